package dev.segdiff.server.cache;

/** The event that the database can be used again. Questions that have failed meanwhile are asked again. */
public record DatabaseIsBack() {}
