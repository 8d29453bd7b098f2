package dev.segdiff.server.cache;

/** The event that the database can be worked with again: what failed meanwhile is asked again. */
public record DatabaseIsBack() {}
