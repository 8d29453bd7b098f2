/**
 * The job {@code index-maintenance} and the report on indexes and tables: bloat, rebuilds, vacuum, and what holds
 * vacuum back.
 */
package dev.segdiff.index;
