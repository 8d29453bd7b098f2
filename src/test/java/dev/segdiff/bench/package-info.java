/**
 * Benchmarks: {@code ./mvnw -Pbench verify -DskipTests}. Each compares with its rivals in one run on a PostgreSQL with
 * fsync on, and prints ratios.
 */
package dev.segdiff.bench;
