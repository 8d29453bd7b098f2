/** The health of indexes and tables: bloat, rebuilding, vacuum, and what holds it back. */
package dev.segdiff.index;
