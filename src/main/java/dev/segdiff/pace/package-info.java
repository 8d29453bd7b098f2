/** Being gentle: when a run may go on, how large its next batch is, and how a long statement gives way. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.pace;
