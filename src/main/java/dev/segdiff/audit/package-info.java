/** The memory of small, precious tables: who changed what, and how to take it back; and what a run removed, put back. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.audit;
