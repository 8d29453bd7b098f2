package dev.segdiff.event;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.IdSample;
import dev.segdiff.table.Reference;
import dev.segdiff.table.TableFacts;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Checks whether a policy's table is fit for expiry, and says why if it is not. */
@ApplicationScoped
class PolicyCheck {
    /**
     * The largest table, in rows, that a foreign key may cascade into. In a larger one, a batch could delete any number
     * of rows, whatever its own size.
     */
    private static final long LARGE = 100_000;

    /** The only table of segdiff's own that may be an event table. */
    private static final TableName AUDIT_LOG = new TableName("segdiff", "audit_log");

    /**
     * The result of the check: either the table, or the reasons why the policy is refused.
     *
     * @param locked whether another session has locked the table, so that the next run may succeed
     */
    record CheckResult(@Nullable TimedTable table, List<String> faults, boolean locked) {
        static CheckResult refused(List<String> faults) {
            return new CheckResult(null, faults, false);
        }
    }

    private final Database database;

    PolicyCheck(Database database) {
        this.database = database;
    }

    /**
     * Checks one policy. An error of PostgreSQL is a fault of this policy alone, and does not end the run.
     *
     * @param all all policies; no two of them may have the same table
     */
    CheckResult check(EventPolicy policy, List<EventPolicy> all, Instant now) {
        try {
            return database.transaction(session -> check(session, policy, all, now));
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            }
            String fault = "table " + policy.table().plain() + " cannot be inspected: " + e.getMessage();
            return new CheckResult(null, List.of(fault), e.isLockTimeout());
        }
    }

    private static CheckResult check(Session session, EventPolicy policy, List<EventPolicy> all, Instant now) {
        Optional<TableFacts> found = TableFacts.of(session, policy.table(), policy.column());
        if (found.isEmpty()) {
            return CheckResult.refused(List.of("table " + policy.table().plain() + " does not exist"));
        }
        TableFacts facts = found.get();
        List<String> faults = new ArrayList<>(faults(policy, facts));
        if (!facts.mayUseSchema()) {
            return CheckResult.refused(faults);
        }
        faults.addAll(foreignKeys(session, policy.table()));
        faults.addAll(overlaps(session, policy, all));
        if (!facts.hasColumn()) {
            return CheckResult.refused(faults);
        }
        Optional<TimeKey.Kind> kind = policy.idColumn() ? facts.idKind() : facts.timeKind();
        if (kind.isEmpty()) {
            faults.add("column %s of %s is %s, expected %s"
                    .formatted(
                            policy.column(),
                            policy.table().plain(),
                            facts.castType(),
                            policy.idColumn() ? "uuid (UUIDv7) or text (ULID)" : "timestamptz, timestamp or date"));
            return CheckResult.refused(faults);
        }
        TimedTable table = facts.timed(
                policy.table(),
                new ColumnName(policy.column()),
                TableFacts.key(kind.get(), policy.zone()),
                Reference.of(session, policy.table()));
        if (faults.isEmpty() && policy.idColumn()) {
            IdSample sample = IdSample.of(session, table);
            sample.fault(now).ifPresent(faults::add);
            table = table.withKey(sample.key());
        }
        return faults.isEmpty() ? new CheckResult(table, faults, false) : CheckResult.refused(faults);
    }

    private static List<String> faults(EventPolicy policy, TableFacts facts) {
        String name = policy.table().plain();
        List<String> faults = new ArrayList<>();
        if (facts.standby()) {
            faults.add("the server is a standby: connect to the primary");
        }
        if (policy.table().belongsToSystem() && !policy.table().equals(AUDIT_LOG)) {
            faults.add(name + " is a table of segdiff or of PostgreSQL itself");
        }
        boolean partitioned = facts.partitioned();
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
        if (!facts.mayUseSchema()) {
            faults.add("the database role may not use schema %1$s: grant usage on schema %1$s"
                    .formatted(policy.table().schema()));
        }
        if (!facts.mayDelete()) {
            faults.add(("the database role may not select and delete in %1$s, or not lock its rows:"
                            + " grant select, delete, update (%2$s) on %1$s")
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

    /**
     * The faults of foreign keys that reference the table. PostgreSQL looks up each deleted row in the tables that
     * reference it, and may delete rows there as well.
     */
    private static List<String> foreignKeys(Session session, TableName table) {
        return session.list("""
                select case
                    when not exists (select from pg_index i
                                     where i.indrelid = f.conrelid and i.indisvalid and i.indpred is null
                                       and i.indnkeyatts >= cardinality(f.conkey)
                                       and (i.indkey::smallint[])[0:cardinality(f.conkey) - 1] @> f.conkey)
                    then format('foreign key %s of %s has no index: each deleted row would read all of it',
                                f.conname, f.conrelid::regclass)
                    when f.confdeltype in ('c', 'n', 'd') and c.reltuples > ?
                    then format('foreign key %s takes rows of %s along, which has about %s',
                                f.conname, f.conrelid::regclass, c.reltuples::bigint)
                    end as fault
                from pg_constraint f join pg_class c on c.oid = f.conrelid
                where f.contype = 'f' and f.confrelid = to_regclass(?) and f.conparentid = 0
                order by f.conname
                """, row -> String.valueOf(row.getString(1)), LARGE, table.toString()).stream()
                .filter(fault -> !fault.equals("null"))
                .toList();
    }

    /**
     * The other policies with the same table, or with a table above it. Two policies on one table would compete, and
     * the shorter retention would win.
     */
    private static List<String> overlaps(Session session, EventPolicy policy, List<EventPolicy> all) {
        return all.stream()
                .filter(other -> !other.name().equals(policy.name()))
                .filter(other -> session.one(
                        """
                        select coalesce(to_regclass(?) = to_regclass(?)
                            or exists (select from pg_partition_ancestors(to_regclass(?))
                                       where relid = to_regclass(?)), false)
                        """,
                        row -> row.getBoolean(1),
                        policy.table().toString(),
                        other.table().toString(),
                        policy.table().toString(),
                        other.table().toString()))
                .map(other -> "table " + policy.table().plain() + " is under policy " + other.name() + " already")
                .toList();
    }
}
