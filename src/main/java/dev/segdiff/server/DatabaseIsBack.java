package dev.segdiff.server;

/** The event that the database can be worked with again: what failed meanwhile is asked again. */
record DatabaseIsBack() {}
