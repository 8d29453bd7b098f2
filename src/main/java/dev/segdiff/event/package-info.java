/** Retention of event tables, in batches or by partition; the job event-expiry. */
package dev.segdiff.event;
