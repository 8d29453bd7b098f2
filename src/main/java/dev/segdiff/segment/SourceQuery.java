package dev.segdiff.segment;

import dev.segdiff.db.TableName;
import java.util.ArrayList;
import java.util.List;

/**
 * The query that yields the contacts of a segment, duplicates and all.
 *
 * @param name how errors call it
 * @param sql a select of one bigint column contact_id
 * @param binds the values of its parameters
 */
record SourceQuery(String name, String sql, List<Object> binds) {
    /** Reads a relation, filtered by the key columns that it has. */
    static SourceQuery of(Candidate segment) {
        String name = segment.source();
        if (name == null) {
            throw new IllegalStateException("segment " + segment.key() + " is uploaded");
        }
        StringBuilder sql =
                new StringBuilder("select contact_id::bigint as contact_id from ").append(TableName.parse(name));
        List<Object> binds = new ArrayList<>();
        filter(segment, "customer_id", segment.key().customerId(), sql, binds);
        filter(segment, "segment_id", segment.key().segmentId(), sql, binds);
        return new SourceQuery(name, sql.toString(), binds);
    }

    private static void filter(Candidate segment, String column, long value, StringBuilder sql, List<Object> binds) {
        if (segment.hasColumn(column)) {
            sql.append(binds.isEmpty() ? " where " : " and ").append(column).append(" = ?");
            binds.add(value);
        }
    }
}
