package dev.segdiff.campaign;

import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.util.ArrayList;
import java.util.List;

/** What holds after any fault. */
final class Invariants {
    private static final String SESSIONS = """
            select count(*) from pg_stat_activity where datname = current_database() and application_name = 'segdiff'
            """;

    private final TestDatabase db;
    private final List<String> wrong = new ArrayList<>();

    private Invariants(TestDatabase db) {
        this.db = db;
    }

    /** A backend whose client is gone ends with its statement; no session means no lock. */
    static void awaitNoSessions(TestDatabase db) {
        Await.until("no session of the ended process is left", () -> db.value(SESSIONS)
                .equals("0"));
    }

    static List<String> violations(TestDatabase db) {
        Invariants invariants = new Invariants(db);
        invariants.rows();
        invariants.versions();
        invariants.tables();
        invariants.runs();
        return invariants.wrong;
    }

    private void rows() {
        never("young rows are gone", """
                select 1 where (select count(*) from event where created_at > now() - interval '89 days') <> %d
                """.formatted(Workload.YOUNG));
        never("young rows of partitions are gone", """
                select 1 where (select count(*) from part where created_at > now() - interval '89 days') <> %d
                """.formatted(Workload.YOUNG));
    }

    private void versions() {
        never("a version differs from its source", """
                select v.segment_id, v.day from segdiff.segments s
                join segdiff.segment_versions v on v.version = s.current_version
                cross join lateral (
                    (select contact_id from segdiff.members(7, s.segment_id)
                     except
                     select contact_id from moments m where m.day = v.day and m.segment_id = s.segment_id)
                    union all
                    (select contact_id from moments m where m.day = v.day and m.segment_id = s.segment_id
                     except
                     select contact_id from segdiff.members(7, s.segment_id))) differing
                where s.customer_id = 7 and v.day >= (select min(day) from moments)
                """);
        never("net changes differ from the members", """
                select s.segment_id, old.version from segdiff.segments s
                join segdiff.segment_versions new on new.version = s.current_version
                cross join lateral (
                    select v.* from segdiff.segment_versions v
                    where v.customer_id = 7 and v.segment_id = s.segment_id and v.version < new.version
                      and v.day >= (select min(day) from moments)
                    order by v.version desc limit 3) old
                cross join lateral (
                    select array_agg((n.contact_id, n.added)::text order by n.contact_id) as told
                    from segdiff.net_changes(7, s.segment_id, old.version, new.version) n) reader
                cross join lateral (
                    select array_agg((coalesce(o.contact_id, n.contact_id), o is null)::text
                                     order by coalesce(o.contact_id, n.contact_id)) as changed
                    from (select contact_id from moments where day = old.day and segment_id = s.segment_id) o
                    full join (select contact_id from moments where day = new.day and segment_id = s.segment_id) n
                        on n.contact_id = o.contact_id
                    where o is null or n is null) members
                where s.customer_id = 7 and reader.told is distinct from members.changed
                """);
    }

    private void tables() {
        never("the trash lists a table that is not there", """
                select t.origin from segdiff.trash t left join pg_class c on c.oid = t.relation
                where t.moved_at is not null and c.relnamespace is distinct from 'segdiff_trash'::regnamespace
                """);
        never("the trash holds a table that nobody knows", """
                select c.relname from pg_class c
                where c.relnamespace = 'segdiff_trash'::regnamespace and c.relkind in ('r', 'p')
                  and not exists (select from segdiff.trash t where t.relation = c.oid)
                """);
        never("a partition is nowhere", """
                select c.relname from pg_class c
                where c.relname ~ '^part_old_' and c.relkind = 'r' and not c.relispartition
                  and not exists (select from segdiff.trash t where t.relation = c.oid)
                """);
        never("a segment has no snapshot", """
                select s.customer_id, s.segment_id from segdiff.segments s
                where s.snapshot is not null and not exists (
                    select from pg_class c where c.oid = s.snapshot and c.relnamespace = 'segdiff'::regnamespace)
                """);
        never("a snapshot has no segment", """
                select c.relname from pg_class c
                where c.relname ~ '^segment_\\d+_\\d+_\\d+$' and c.relkind = 'r'
                  and not exists (select from segdiff.segments s where s.snapshot = c.oid)
                  and not exists (select from segdiff.trash t where t.relation = c.oid)
                """);
    }

    private void runs() {
        never("a run ended without an outcome, or has one before its end", """
                select run_id from segdiff.runs where (ended_at is null) <> (outcome is null)
                """);
        never("a lease is of a run that nobody knows", """
                select l.job from segdiff.leases l left join segdiff.runs r using (run_id)
                where r.job is distinct from l.job
                """);
        never("a session deleted under the lease of another run", """
                select pid from deletes group by pid having count(distinct run_id) > 1
                """);
        never("a prepared transaction is left", "select gid from pg_prepared_xacts");
    }

    private void never(String what, String query) {
        List<String> rows = db.rows(query);
        if (!rows.isEmpty()) {
            wrong.add(what + ": " + rows);
        }
    }
}
