/** Faults of program, server, network and disk in the middle of runs; nothing may be wrong after them. */
package dev.segdiff.campaign;
