package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.index.IndexReport.TableState;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The extension pgstattuple, which reads tables and indexes to find out how full they are. It may be installed in any
 * schema.
 */
@ApplicationScoped
class Pgstattuple {
    /** Whether the extension is installed and this role may use it. */
    boolean isThere(Session session) {
        return function(session, "pgstatindex").isPresent();
    }

    /**
     * The bloat of an index, measured by reading it from end to end; empty if it cannot be read. The bloat is the fill
     * factor of a fresh index, divided by how full the leaves are now; the pages above the leaves are taken to shrink
     * in the same proportion.
     */
    OptionalDouble measure(Session session, IndexState index) {
        Optional<TableName> function =
                index.method().equals("btree") ? function(session, "pgstatindex") : Optional.empty();
        return function.isEmpty()
                ? OptionalDouble.empty()
                : session.one(
                        """
                select s.index_size / current_setting('block_size')::float8
                    / (1 + greatest(
                        1,
                        (s.leaf_pages + s.internal_pages)
                            * case when s.avg_leaf_density = 'NaN' then 0 else s.avg_leaf_density end
                            / coalesce((select substring(array_to_string(reloptions, ' ')
                                                         from 'fillfactor=(\\d+)')::float8
                                        from pg_class where oid = ?::oid), 90)))
                from %s(?::oid::regclass) s
                """.formatted(function.get()),
                        row -> OptionalDouble.of(row.getDouble(1)),
                        index.oid(),
                        index.oid());
    }

    /**
     * The bloat of a table, measured by reading it from end to end; empty if it cannot be read. The extension does not
     * count the bytes that align each row to 8 bytes, so these are added. If all rows seem to have the same length,
     * their number follows from this length; otherwise it is 3.5 bytes on average.
     */
    OptionalDouble measure(Session session, TableState table) {
        Optional<TableName> function = function(session, "pgstattuple");
        return function.isEmpty()
                ? OptionalDouble.empty()
                : session.one(
                        """
                select s.table_len / current_setting('block_size')::float8 as pages, s.tuple_count as rows,
                    current_setting('block_size')::int as page_size,
                    coalesce((select substring(array_to_string(reloptions, ' ') from 'fillfactor=(\\d+)')::int
                              from pg_class where oid = ?::oid), 100) as fill_factor,
                    case when s.tuple_count = 0 or mod(s.tuple_len, s.tuple_count) = 0
                        then ceil(s.tuple_len / greatest(s.tuple_count, 1) / 8.0) * 8
                        else s.tuple_len / s.tuple_count::float8 + 3.5 end as bytes
                from %s(?::oid::regclass) s
                """.formatted(function.get()),
                        row -> OptionalDouble.of(row.getDouble("pages")
                                / HeapEstimate.pages(
                                        row.getInt("page_size"),
                                        row.getDouble("rows"),
                                        row.getInt("fill_factor"),
                                        row.getDouble("bytes"))),
                        table.oid(),
                        table.oid());
    }

    private static Optional<TableName> function(Session session, String name) {
        return session.first("""
                select n.nspname, p.proname from pg_extension e
                join pg_namespace n on n.oid = e.extnamespace
                join pg_proc p on p.pronamespace = n.oid and p.proname = ?
                    and p.proargtypes::text = 'regclass'::regtype::oid::text
                where e.extname = 'pgstattuple'
                  and has_function_privilege(p.oid, 'execute') and has_schema_privilege(n.oid, 'usage')
                """, row -> new TableName(row.getString(1), row.getString(2)), name);
    }
}
