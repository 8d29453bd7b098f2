/** What the tests stand on: a real PostgreSQL, and the built program as a process. */
package dev.segdiff.support;
