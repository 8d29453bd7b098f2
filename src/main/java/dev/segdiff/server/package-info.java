/**
 * The command {@code serve}, which adds ways to ask for runs and to see them, and no work of its own. Schedules and
 * HTTP ask for runs, and the runner runs them as always. Health, metrics and the page show what the ledger and the
 * database say, whoever did the work.
 */
package dev.segdiff.server;
