package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.index.IndexReport.TableState;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.OptionalDouble;

/** The extension that reads tables and indexes to tell how full they are, in whatever schema it is. */
@ApplicationScoped
class Pgstattuple {
    /** Whether it is there, and this role may use it. */
    boolean isThere(Session session) {
        return function(session, "pgstatindex").isPresent();
    }

    /**
     * Pages against those of a fresh index, for which it is read from end to end; empty if that cannot be. Leaves are as
     * full as their entries make them, against the fill factor of a fresh one; pages above them shrink alike.
     */
    OptionalDouble measure(Session session, IndexState index) {
        Optional<TableName> function =
                index.method().equals("btree") ? function(session, "pgstatindex") : Optional.empty();
        return function.isEmpty()
                ? OptionalDouble.empty()
                : session.one(
                        """
                select s.index_size / current_setting('block_size')::float8
                    / (1 + greatest(1, (s.leaf_pages + s.internal_pages) * case when s.avg_leaf_density = 'NaN' then 0 else s.avg_leaf_density end
                        / coalesce((select substring(array_to_string(reloptions, ' ') from 'fillfactor=(\\d+)')::float8 from pg_class where oid = ?::oid), 90)))
                from %s(?::oid::regclass) s
                """.formatted(function.get()),
                        row -> OptionalDouble.of(row.getDouble(1)),
                        index.oid(),
                        index.oid());
    }

    /**
     * Pages against those of a fresh table, for which it is read from end to end; empty if that cannot be. Rows are told
     * without the bytes that align each to eight: none or some for rows of one length, three and a half on average else.
     */
    OptionalDouble measure(Session session, TableState table) {
        Optional<TableName> function = function(session, "pgstattuple");
        return function.isEmpty()
                ? OptionalDouble.empty()
                : session.one(
                        """
                select s.table_len / current_setting('block_size')::float8 as pages, s.tuple_count as rows, current_setting('block_size')::int as page_size,
                    coalesce((select substring(array_to_string(reloptions, ' ') from 'fillfactor=(\\d+)')::int from pg_class where oid = ?::oid), 100) as fill_factor,
                    case when s.tuple_count = 0 or mod(s.tuple_len, s.tuple_count) = 0 then ceil(s.tuple_len / greatest(s.tuple_count, 1) / 8.0) * 8
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
                join pg_proc p on p.pronamespace = n.oid and p.proname = ? and p.proargtypes::text = 'regclass'::regtype::oid::text
                where e.extname = 'pgstattuple' and has_function_privilege(p.oid, 'execute') and has_schema_privilege(n.oid, 'usage')
                """, row -> new TableName(row.getString(1), row.getString(2)), name);
    }
}
