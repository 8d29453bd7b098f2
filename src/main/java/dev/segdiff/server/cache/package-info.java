/**
 * Answers of the database that probes, metrics and the page share for a few seconds, so that many requests cost one
 * query.
 */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.cache;
