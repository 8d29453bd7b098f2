/**
 * Everything for the work with PostgreSQL: transactions, statements, identifiers, retries, migrations, and the embedded
 * server. This package uses no other package of segdiff.
 */
package dev.segdiff.db;
