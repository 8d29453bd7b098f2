package dev.segdiff.table;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** The SQL that reads the partitions of a table from PostgreSQL's catalog. */
public final class PartitionCatalog {
    /**
     * The SQL of the value before which a partition ends, where the partition is the row {@code c} of {@code pg_class};
     * null if the partition has no end.
     */
    public static final String UPPER = "substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''(.*)''\\)$')";

    private static final String LOWER = "substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''(.*)''\\) TO')";

    private PartitionCatalog() {}

    /** The partitions of a table in the order of their time, the default partition last. */
    public static List<Partition> list(Session session, TimedTable table) {
        return session.list(
                """
                select n.nspname, c.relname, b.lower, b.upper, i.inhdetachpending, c.relkind = 'p' as partitioned,
                    pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' as is_default,
                    segdiff.has_index(c.oid, a.attnum) as indexed,
                    pg_relation_size(c.oid) / current_setting('block_size')::int as pages
                from pg_inherits i
                join pg_class c on c.oid = i.inhrelid
                join pg_namespace n on n.oid = c.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attname = ?
                cross join lateral (select %s as lower, %s as upper) b
                where i.inhparent = to_regclass(?)
                order by is_default, cast(b.upper as %s) nulls last
                """.formatted(LOWER, UPPER, table.type()),
                PartitionCatalog::partition,
                table.column().name(),
                table.table().toString());
    }

    private static Partition partition(ResultSet row) throws SQLException {
        return new Partition(
                new TableName(row.getString("nspname"), row.getString("relname")),
                row.getString("lower"),
                row.getString("upper"),
                row.getBoolean("is_default"),
                row.getBoolean("inhdetachpending"),
                row.getBoolean("partitioned"),
                row.getBoolean("indexed"),
                row.getLong("pages"));
    }
}
