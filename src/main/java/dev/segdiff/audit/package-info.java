/** The audit of tables where every row matters: who changed what, and how to take changes back. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.audit;
