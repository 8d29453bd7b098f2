/** The runs of this process: asked for, found again, and stopped. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.live;
