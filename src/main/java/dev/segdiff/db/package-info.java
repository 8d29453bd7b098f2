/**
 * Everything for the work with PostgreSQL: transactions, statements, identifiers, retries, migrations, and the embedded
 * server. This room knows none of the other rooms.
 */
package dev.segdiff.db;
