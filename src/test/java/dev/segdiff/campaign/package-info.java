/** Faults of the program, the server, the network and the disk in the middle of runs; nothing may be wrong after them. */
package dev.segdiff.campaign;
