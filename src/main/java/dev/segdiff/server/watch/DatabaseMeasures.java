package dev.segdiff.server.watch;

import dev.segdiff.db.Database;
import dev.segdiff.db.Session;
import dev.segdiff.run.Measure;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Numbers about the server that do not belong to one job: what the jobs do to the server, and what stands in their way.
 */
@ApplicationScoped
public class DatabaseMeasures {
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    private final Database database;

    public DatabaseMeasures(Database database) {
        this.database = database;
    }

    public List<Measure> read() {
        return database.ask(QUERY_TIMEOUT, session -> {
            List<Measure> measures = new ArrayList<>();
            measures.addAll(catalogs(session));
            measures.addAll(horizon(session));
            measures.addAll(trash(session));
            return measures;
        });
    }

    /**
     * The sizes of the system's catalogs. They get rows whenever segdiff makes a snapshot or a temporary table, and
     * dead rows whenever it renames a snapshot to the next version.
     */
    private static List<Measure> catalogs(Session session) {
        List<Measure> measures = new ArrayList<>();
        session.list("""
                select s.relname, pg_total_relation_size(s.relid) as bytes, s.n_dead_tup
                from pg_stat_sys_tables s
                where s.schemaname = 'pg_catalog' and s.relname in ('pg_class', 'pg_attribute', 'pg_depend', 'pg_type')
                order by s.relname
                """, row -> {
            Map<String, String> labels = Map.of("catalog", row.getString("relname"));
            measures.add(new Measure(
                    "catalog_size_bytes",
                    labels,
                    row.getDouble("bytes"),
                    "Size of a system catalog with its indexes."));
            return measures.add(new Measure(
                    "catalog_dead_rows", labels, row.getDouble("n_dead_tup"), "Dead rows in a system catalog."));
        });
        return measures;
    }

    /**
     * The ages of the oldest transactions that may still see old rows. Vacuum cannot remove dead rows that are younger
     * than the oldest of these.
     */
    private static List<Measure> horizon(Session session) {
        return session.list(
                """
                select 'session' as holder, coalesce(max(age(backend_xmin)), 0) as age
                from pg_stat_activity where pid <> pg_backend_pid()
                union all
                select 'prepared_transaction', coalesce(max(age(transaction)), 0) from pg_prepared_xacts
                union all
                select 'replication_slot', coalesce(max(greatest(age(xmin), age(catalog_xmin))), 0)
                from pg_replication_slots
                union all
                select 'standby', coalesce(max(age(backend_xmin)), 0) from pg_stat_replication
                """,
                row -> new Measure(
                        "xmin_age_transactions",
                        Map.of("holder", row.getString("holder")),
                        row.getDouble("age"),
                        "Transactions since the oldest one whose dead rows must be kept, by what holds it."));
    }

    private static List<Measure> trash(Session session) {
        return session.list(
                """
                select kinds.kind, count(t.kind) as tables
                from (values ('snapshot'), ('orphan'), ('partition')) as kinds (kind)
                left join segdiff.trash t on t.kind = kinds.kind and t.moved_at is not null
                group by kinds.kind order by kinds.kind
                """,
                row -> new Measure(
                        "trash_tables",
                        Map.of("kind", row.getString("kind")),
                        row.getDouble("tables"),
                        "Tables that wait in the trash."));
    }
}
