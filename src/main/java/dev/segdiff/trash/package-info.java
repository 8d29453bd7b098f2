/** Tables that were taken away and can come back, and the undo of a run. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.trash;
