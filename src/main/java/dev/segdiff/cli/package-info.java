/**
 * The command line, with one class for each command. Commands only parse their arguments and print results; the work is
 * done in other rooms.
 */
package dev.segdiff.cli;
