/**
 * The way to PostgreSQL: transactions, statements, identifiers, retries, migrations, and the embedded server. This room
 * knows none of the others.
 */
package dev.segdiff.db;
