/** The tables that runs have removed and that can be put back, and the undo of a run. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.trash;
