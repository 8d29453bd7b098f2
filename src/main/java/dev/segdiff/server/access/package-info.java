/** Who may ask over HTTP, and how often: tokens, sessions of the page, and the limit of requests. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.server.access;
