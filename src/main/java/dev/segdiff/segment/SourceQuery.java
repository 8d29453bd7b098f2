package dev.segdiff.segment;

import dev.segdiff.db.TableName;
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
    static SourceQuery of(Claim claim) {
        String name = claim.source();
        if (name == null) {
            throw new IllegalStateException("segment " + claim.key() + " is uploaded");
        }
        StringBuilder sql =
                new StringBuilder("select contact_id::bigint as contact_id from ").append(TableName.parse(name));
        List<Object> binds = new java.util.ArrayList<>();
        for (String column : claim.filters()) {
            sql.append(binds.isEmpty() ? " where " : " and ").append(column).append(" = ?");
            binds.add(
                    column.equals("customer_id")
                            ? claim.key().customerId()
                            : claim.key().segmentId());
        }
        return new SourceQuery(name, sql.toString(), binds);
    }
}
