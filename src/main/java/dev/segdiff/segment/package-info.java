/** Segments: the registry, their snapshots and diffs, and the job {@code segment-diff}. */
package dev.segdiff.segment;
