/** The status page: log in, look, and run a job by hand. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.page;
