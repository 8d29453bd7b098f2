/**
 * What {@code serve} adds: doors, no work of its own. Schedules and HTTP ask for runs, which the runner leads as always;
 * health, metrics and the page tell what the ledger and the database say, whoever did the work.
 */
package dev.segdiff.server;
