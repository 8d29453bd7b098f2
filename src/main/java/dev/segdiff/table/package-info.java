/**
 * What segdiff knows about a table of the application: the time of its rows, its partitions, and conditions on both.
 */
@org.jspecify.annotations.NullMarked
package dev.segdiff.table;
