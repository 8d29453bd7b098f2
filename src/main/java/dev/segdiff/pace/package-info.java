/**
 * How segdiff stays out of the application's way: when a run waits, how large its next batch is, and how a long
 * statement gives way.
 */
@org.jspecify.annotations.NullMarked
package dev.segdiff.pace;
