/** The command line: a class per command. Commands parse and render; the work is elsewhere. */
package dev.segdiff.cli;
