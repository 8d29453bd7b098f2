package dev.segdiff.segment;

/**
 * The query that yields the contacts of a segment; the same contact may appear several times.
 *
 * @param name the name of the source in errors
 * @param sql a select with one column, contact_id of type bigint
 * @param runsCode whether reading the source runs code of other roles, which may leave settings behind
 */
record SourceQuery(String name, String sql, boolean runsCode) {
    /** The ids that a program has uploaded in this transaction. */
    static final SourceQuery UPLOAD = new SourceQuery("upload", "select contact_id from pg_temp.segdiff_upload", false);

    /**
     * The query as segdiff.open_source returns it. A source that runs code is read by a function in the schema pg_temp,
     * so the query of such a source names this schema.
     */
    static SourceQuery of(String name, String sql) {
        return new SourceQuery(name, sql, sql.contains("pg_temp."));
    }
}
