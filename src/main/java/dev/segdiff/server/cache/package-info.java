/** Answers of the database that several doors share for a few seconds, so that many probes cost one question. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.cache;
