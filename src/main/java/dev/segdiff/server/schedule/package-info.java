/** Cron expressions, and the runs that they make due. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.schedule;
