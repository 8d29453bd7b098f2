package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Makes what readers of an event table use: the horizon of the policy, and the view {@code segdiff.events_NAME}, which
 * hides rows older than the horizon.
 */
@ApplicationScoped
class ReaderView {
    private static final String COLUMNS = """
            select array_agg(attname::text order by attnum) from pg_attribute
            where attrelid = to_regclass(?) and attnum > 0 and not attisdropped
            """;

    /**
     * Records the policy in {@code segdiff.event_policies}. If it has another table, column or kind of key than before,
     * its cursor is reset, so the deletion starts at the first row.
     */
    void register(Session session, PolicyTable target) {
        TimedTable table = target.table();
        session.update(
                """
                insert into segdiff.event_policies as p (policy, relation, key_column, key_kind, zone, retention)
                values (?, ?, ?, ?, ?, make_interval(secs => ?))
                on conflict (policy) do update
                set relation = excluded.relation, key_column = excluded.key_column, key_kind = excluded.key_kind,
                    zone = excluded.zone, retention = excluded.retention, seen_at = now(),
                    cursor = case when (p.relation, p.key_column, p.key_kind)
                                     = (excluded.relation, excluded.key_column, excluded.key_kind)
                             then p.cursor end
                """,
                target.policy().name(),
                table.table().plain(),
                table.column().name(),
                table.key().kind().name(),
                table.key().zone().getId(),
                target.policy().retention().toSeconds());
    }

    static TableName name(EventPolicy policy) {
        return new TableName("segdiff", "events_" + policy.name());
    }

    /**
     * Whether the view has to be made, replaced or dropped: it is missing, has another retention, lacks a new column of
     * the table, or is no longer wanted.
     */
    boolean isDue(Session session, PolicyTable target) {
        String view = name(target.policy()).toString();
        Optional<String> comment =
                session.first("select obj_description(to_regclass(?))", row -> String.valueOf(row.getString(1)), view);
        if (!target.policy().view()) {
            return session.one("select to_regclass(?) is not null", row -> row.getBoolean(1), view);
        }
        return !comment.equals(Optional.of(comment(target)))
                || !columns(session, view)
                        .equals(columns(session, target.table().table().toString()));
    }

    /** Makes or replaces the view, or drops it if the policy wants none. */
    void make(Session session, PolicyTable target) {
        TableName view = name(target.policy());
        if (!target.policy().view()) {
            session.update("drop view " + view);
            return;
        }
        session.update(sql(target));
        session.update("comment on view %s is '%s'".formatted(view, comment(target)));
    }

    /**
     * The statement that makes the view. The retention is a constant in the view, so the planner knows it when it
     * chooses an index.
     */
    static String sql(PolicyTable target) {
        TimedTable table = target.table();
        return "create or replace view %s as select * from %s where %s >= cast(%s as %s)"
                .formatted(
                        name(target.policy()),
                        table.table(),
                        table.column(),
                        horizon(table.key(), target.policy().retention()),
                        table.type());
    }

    private static String horizon(TimeKey key, Duration retention) {
        // Hours and seconds apart, because PostgreSQL 14 reads at most 68 years of seconds.
        String instant =
                "now() - interval '" + retention.toHours() + " hours " + retention.toSeconds() % 3600 + " seconds'";
        String local = "(" + instant + ") at time zone '" + key.zone().getId() + "'";
        return switch (key.kind()) {
            case TIMESTAMPTZ -> instant;
            case TIMESTAMP -> local;
            case DATE -> local;
            case UUID -> "segdiff.uuid_at(" + instant + ")";
            case UUID_TEXT -> textCase(key, "segdiff.uuid_at(" + instant + ")::text");
            case ULID -> textCase(key, "segdiff.ulid_at(" + instant + ")");
        };
    }

    private static String textCase(TimeKey key, String text) {
        return (key.lowerCase() ? "lower(" : "upper(") + text + ")";
    }

    private static String comment(PolicyTable target) {
        return "segdiff: rows of %s whose %s is not older than %s (%08x)"
                .formatted(
                        target.table().table().plain(),
                        target.table().column().name(),
                        target.policy().retention(),
                        sql(target).hashCode())
                .replace("'", "''");
    }

    private static List<String> columns(Session session, String relation) {
        return session.first(COLUMNS, row -> (String[]) row.getArray(1).getArray(), relation)
                .map(List::of)
                .orElse(List.of());
    }
}
