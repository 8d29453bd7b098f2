/** The demo: real segments over a real activity log, replayed day by day. */
package dev.segdiff.demo;
