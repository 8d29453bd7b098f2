/** What health probes and Prometheus read: goals and measures, from the ledger and the database. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.watch;
