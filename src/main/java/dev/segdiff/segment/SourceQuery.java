package dev.segdiff.segment;

/**
 * The query that yields the contacts of a segment, duplicates and all.
 *
 * @param name how errors call the source
 * @param sql a select of one bigint column contact_id
 * @param runsCode whether reading the source runs code of others, which may leave settings behind
 */
record SourceQuery(String name, String sql, boolean runsCode) {
    /** What a producer has loaded in this transaction. */
    static final SourceQuery UPLOAD = new SourceQuery("upload", "select contact_id from pg_temp.segdiff_upload", false);

    /** As segdiff.open_source answers it: what runs code is read by a function. */
    static SourceQuery of(String name, String sql) {
        return new SourceQuery(name, sql, sql.contains("pg_temp."));
    }
}
