/** The JSON API under {@code /api}: jobs and runs. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.api;
