/** The generated pages of ops-runbooks/reference are up to date. */
@org.jspecify.annotations.NullMarked
package dev.segdiff.docs;
