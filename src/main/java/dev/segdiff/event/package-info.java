/** The job {@code event-expiry}: removes expired rows of event tables, in batches or by partition. */
package dev.segdiff.event;
