/** The memory of small, precious tables: who changed what, and how to take the change back. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.audit;
