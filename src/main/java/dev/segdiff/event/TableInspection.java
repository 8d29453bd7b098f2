package dev.segdiff.event;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.Reference;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whether a policy's table is fit for expiry, and what it is like. */
@ApplicationScoped
class TableInspection {
    /** Cascading into more rows than this is a mass delete that no batch size bounds. */
    private static final long LARGE = 100_000;

    private static final int SAMPLE = 100;

    /** The one table of segdiff's own that is an event table like any other. */
    private static final TableName AUDIT_LOG = new TableName("segdiff", "audit_log");

    /** Ids that begin with a time lie between these; of random ones not one in a hundred does. */
    private static final Instant EARLIEST = Instant.parse("2000-01-01T00:00:00Z");

    private static final Duration CLOCK_DRIFT = Duration.ofDays(1);

    /**
     * Either the table, or why the policy is refused.
     *
     * @param locked somebody else has the table at the moment; the next run may be luckier
     */
    record Finding(@Nullable TimedTable table, List<String> faults, boolean locked) {
        Finding(@Nullable TimedTable table, List<String> faults) {
            this(table, faults, false);
        }
    }

    private record Facts(
            String kind,
            String schema,
            boolean hasColumn,
            String baseType,
            String castType,
            boolean partitionedByColumn,
            String partitionKey,
            boolean indexed,
            boolean mayDelete,
            Set<String> foreignOwners,
            boolean rowSecurity,
            long pages,
            boolean standby) {}

    /**
     * Inspects one policy; what PostgreSQL refuses is a fault of this policy alone.
     *
     * @param all whose tables must not overlap
     */
    Finding inspect(Database database, EventPolicy policy, List<EventPolicy> all, Instant now) {
        try {
            return database.transaction(session -> inspect(session, policy, all, now));
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            }
            String fault = "table " + policy.table().plain() + " cannot be inspected: " + e.getMessage();
            return new Finding(null, List.of(fault), e.isLockTimeout());
        }
    }

    private Finding inspect(Session session, EventPolicy policy, List<EventPolicy> all, Instant now) {
        Optional<Facts> found = facts(session, policy);
        if (found.isEmpty()) {
            return refused("table " + policy.table().plain() + " does not exist");
        }
        Facts facts = found.get();
        List<String> faults = new ArrayList<>(faults(policy, facts));
        faults.addAll(foreignKeys(session, policy.table()));
        faults.addAll(overlaps(session, policy, all));
        if (!facts.hasColumn()) {
            return new Finding(null, faults);
        }
        TimeKey.Kind kind = kind(policy, facts.baseType());
        if (kind == null) {
            faults.add("column %s of %s is %s, expected %s"
                    .formatted(
                            policy.column(),
                            policy.table().plain(),
                            facts.castType(),
                            policy.idColumn() ? "uuid (UUIDv7) or text (ULID)" : "timestamptz, timestamp or date"));
            return new Finding(null, faults);
        }
        TimedTable table = table(policy, facts, kind, Reference.of(session, policy.table()));
        if (faults.isEmpty() && policy.idColumn()) {
            table = sampled(session, table, now, faults);
        }
        return faults.isEmpty() ? new Finding(table, faults) : new Finding(null, faults);
    }

    private static Finding refused(String fault) {
        return new Finding(null, List.of(fault));
    }

    private static Optional<Facts> facts(Session session, EventPolicy policy) {
        String table = policy.table().toString();
        return session.first("""
                select c.relkind, n.nspname, a.attnum is not null as has_column, b.typname as base_type,
                    format_type(b.oid, -1) as cast_type,
                    coalesce(p.partstrat = 'r' and p.partnatts = 1 and p.partattrs[0] = a.attnum, false) as partitioned_by_column,
                    pg_get_partkeydef(c.oid) as partition_key,
                    segdiff.has_index(c.oid, a.attnum) as indexed,
                    has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'delete')
                        and has_any_column_privilege(c.oid, 'update') as may_delete,
                    array(select distinct o.relowner::regrole::text from pg_class o
                          where not pg_has_role(o.relowner, 'usage')
                            and (o.oid = c.oid or o.oid in (select i.inhrelid from pg_inherits i where i.inhparent = c.oid))) as foreign_owners,
                    row_security_active(c.oid) as row_security,
                    pg_relation_size(c.oid) / current_setting('block_size')::int as pages,
                    pg_is_in_recovery() as standby
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
                left join pg_attribute a on a.attrelid = c.oid and a.attname = ? and a.attnum > 0 and not a.attisdropped
                left join pg_type t on t.oid = a.atttypid
                left join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
                left join pg_partitioned_table p on p.partrelid = c.oid
                where c.oid = to_regclass(?)
                """, TableInspection::facts, policy.column(), table);
    }

    private static Facts facts(ResultSet row) throws SQLException {
        return new Facts(
                row.getString("relkind"),
                row.getString("nspname"),
                row.getBoolean("has_column"),
                String.valueOf(row.getString("base_type")),
                String.valueOf(row.getString("cast_type")),
                row.getBoolean("partitioned_by_column"),
                String.valueOf(row.getString("partition_key")),
                row.getBoolean("indexed"),
                row.getBoolean("may_delete"),
                Set.of((String[]) row.getArray("foreign_owners").getArray()),
                row.getBoolean("row_security"),
                row.getLong("pages"),
                row.getBoolean("standby"));
    }

    private static List<String> faults(EventPolicy policy, Facts facts) {
        String name = policy.table().plain();
        List<String> faults = new ArrayList<>();
        if (facts.standby()) {
            faults.add("the server is a standby: connect to the primary");
        }
        if (facts.schema().matches("segdiff|segdiff_trash|information_schema|pg_.*")
                && !policy.table().equals(AUDIT_LOG)) {
            faults.add(name + " is a table of segdiff or of PostgreSQL itself");
        }
        boolean partitioned = facts.kind().equals("p");
        if (!partitioned && !facts.kind().equals("r")) {
            faults.add(name + " is no table");
        } else if (!facts.hasColumn()) {
            faults.add("table " + name + " has no column " + policy.column());
        } else if (partitioned && !facts.partitionedByColumn()) {
            faults.add("table %s is partitioned by %s, expected range (%s)"
                    .formatted(name, facts.partitionKey(), policy.column()));
        } else if (!partitioned && !facts.indexed() && policy.requireIndex()) {
            faults.add(("no index of %1$s begins with %2$s, so that each batch would read the whole table: create index"
                            + " concurrently on %1$s (%2$s), or set segdiff.events.%3$s.require-index=false")
                    .formatted(name, policy.column(), policy.name()));
        }
        if (!facts.mayDelete()) {
            faults.add(
                    ("the database role may not select and delete in %1$s, or not lock its rows: grant select, delete, update (%2$s) on %1$s")
                            .formatted(name, policy.column()));
        }
        if (partitioned && !facts.foreignOwners().isEmpty()) {
            faults.add("only their owners detach partitions of %s: grant the database role membership in %s"
                    .formatted(name, String.join(", ", facts.foreignOwners())));
        }
        if (facts.rowSecurity()) {
            faults.add("row security hides rows of " + name + " from the database role");
        }
        return faults;
    }

    /** Each row that goes is looked up in the tables that reference it, and those rows may go along. */
    private static List<String> foreignKeys(Session session, TableName table) {
        return session.list("""
                select case
                    when not exists (select from pg_index i
                                     where i.indrelid = f.conrelid and i.indisvalid and i.indpred is null
                                       and i.indnkeyatts >= cardinality(f.conkey)
                                       and (i.indkey::smallint[])[0:cardinality(f.conkey) - 1] @> f.conkey)
                    then format('foreign key %s of %s has no index: each deleted row would read all of it', f.conname, f.conrelid::regclass)
                    when f.confdeltype in ('c', 'n', 'd') and c.reltuples > ?
                    then format('foreign key %s takes rows of %s along, which has about %s', f.conname, f.conrelid::regclass, c.reltuples::bigint)
                    end as fault
                from pg_constraint f join pg_class c on c.oid = f.conrelid
                where f.contype = 'f' and f.confrelid = to_regclass(?) and f.conparentid = 0
                order by f.conname
                """, row -> String.valueOf(row.getString(1)), LARGE, table.toString()).stream()
                .filter(fault -> !fault.equals("null"))
                .toList();
    }

    /** Two policies on one table would race, and the shorter retention would win. */
    private static List<String> overlaps(Session session, EventPolicy policy, List<EventPolicy> all) {
        return all.stream()
                .filter(other -> !other.name().equals(policy.name()))
                .filter(other -> session.one(
                        """
                        select coalesce(to_regclass(?) = to_regclass(?)
                            or exists (select from pg_partition_ancestors(to_regclass(?)) where relid = to_regclass(?)), false)
                        """,
                        row -> row.getBoolean(1),
                        policy.table().toString(),
                        other.table().toString(),
                        policy.table().toString(),
                        other.table().toString()))
                .map(other -> "table " + policy.table().plain() + " is under policy " + other.name() + " already")
                .toList();
    }

    private static TimeKey.@Nullable Kind kind(EventPolicy policy, String type) {
        if (policy.idColumn()) {
            return switch (type) {
                case "uuid" -> TimeKey.Kind.UUID;
                case "text", "varchar", "bpchar" -> TimeKey.Kind.ULID;
                default -> null;
            };
        }
        return switch (type) {
            case "timestamptz" -> TimeKey.Kind.TIMESTAMPTZ;
            case "timestamp" -> TimeKey.Kind.TIMESTAMP;
            case "date" -> TimeKey.Kind.DATE;
            default -> null;
        };
    }

    private static TimedTable table(EventPolicy policy, Facts facts, TimeKey.Kind kind, List<Reference> references) {
        return new TimedTable(
                policy.table(),
                new ColumnName(policy.column()),
                new TimeKey(kind, policy.idColumn() ? ZoneId.of("UTC") : policy.zone(), false),
                policy.retention(),
                facts.castType(),
                facts.kind().equals("p"),
                facts.indexed(),
                facts.pages(),
                references);
    }

    /**
     * Random ids would be deleted at random, and ids that are not written alike do not follow in the order of their time.
     * The least and the greatest of them tell: there a stranger would stand.
     */
    private static TimedTable sampled(Session session, TimedTable table, Instant now, List<String> faults) {
        List<String> ids = new ArrayList<>();
        for (String order : table.indexed() ? List.of("order by 1", "order by 1 desc") : List.of("")) {
            ids.addAll(session.list(
                    "select id::text from (select %1$s as id from %2$s where %1$s is not null %3$s limit ?) ids"
                            .formatted(table.column(), table.table(), order),
                    row -> row.getString(1).strip(),
                    SAMPLE));
        }
        boolean text = table.key().kind() == TimeKey.Kind.ULID && ids.stream().anyMatch(id -> id.length() == 36);
        boolean lower = ids.stream().anyMatch(id -> !id.equals(id.toUpperCase(Locale.ROOT)));
        boolean upper = ids.stream().anyMatch(id -> !id.equals(id.toLowerCase(Locale.ROOT)));
        TimeKey key = new TimeKey(
                text ? TimeKey.Kind.UUID_TEXT : table.key().kind(), table.key().zone(), lower);
        boolean timed = ids.stream().allMatch(id -> key.time(id)
                .map(ZonedDateTime::toInstant)
                .filter(time -> time.isAfter(EARLIEST) && time.isBefore(now.plus(CLOCK_DRIFT)))
                .isPresent());
        if (!timed) {
            faults.add("column %s of %s holds ids that do not begin with a time, expected UUIDv7 or ULID"
                    .formatted(table.column().name(), table.table().plain()));
        } else if (lower && upper || ids.stream().map(String::length).distinct().count() > 1) {
            faults.add("column %s of %s holds ids in different cases or lengths, whose order is not that of their time"
                    .formatted(table.column().name(), table.table().plain()));
        }
        return table.withKey(key);
    }
}
