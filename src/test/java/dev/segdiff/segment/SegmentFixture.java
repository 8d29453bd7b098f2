package dev.segdiff.segment;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.TableName;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.trash.Trash;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/** The feature, wired by hand over a test's database. */
public final class SegmentFixture {
    static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    final SegmentRegistry registry;
    final SegmentUpload upload;
    final SegmentReader reader;
    final DiffPartitions partitions;
    final DiffRetention retention;
    final RunLedger ledger;
    final Trash trash = new Trash();
    final SegmentDiff job;
    final SnapshotCleanup cleanup;

    private final TestDatabase db;
    private final RunFixture runs;

    public SegmentFixture(TestDatabase db, String... config) {
        this.db = db;
        runs = new RunFixture(db, config);
        Database database = runs.database;
        RunConfig runConfig = runs.config;
        SegmentsConfig segmentsConfig = TestConfig.of(SegmentsConfig.class, config);
        SegmentDiffQueries queries = new SegmentDiffQueries();
        SegmentPublisher publisher = new SegmentPublisher(database, queries, segmentsConfig, runConfig);
        partitions = new DiffPartitions(database);
        retention = new DiffRetention(database, partitions, segmentsConfig);
        registry = new SegmentRegistry(database, trash);
        reader = new SegmentReader(database);
        upload = new SegmentUpload(database, registry, queries, publisher, partitions);
        ledger = runs.ledger;
        job = new SegmentDiff(
                database,
                queries,
                publisher,
                partitions,
                retention,
                new SegmentGoal(database, runConfig),
                runs.throttle,
                segmentsConfig);
        cleanup = new SnapshotCleanup(
                database,
                new SnapshotCleanupQueries(),
                trash,
                new SnapshotCleanupGoal(database, segmentsConfig),
                runs.throttle,
                runs.steps,
                segmentsConfig);
    }

    public SegmentRegistry registry() {
        return registry;
    }

    /** A table of contacts and a segment that reads it. */
    public SegmentKey segment(long id, long... contacts) {
        db.execute("create table source_%d (contact_id bigint)".formatted(id));
        SegmentKey key = new SegmentKey(7, id);
        registry.add(key, new TableName("public", "source_" + id));
        contacts(key, contacts);
        return key;
    }

    /** Makes these the contacts that the source yields. */
    public void contacts(SegmentKey key, long... contacts) {
        db.execute(
                "truncate source_%d".formatted(key.segmentId()),
                "insert into source_%d select unnest('{%s}'::bigint[])".formatted(key.segmentId(), join(contacts)));
    }

    public RunReport run(LocalDate day) {
        return run(request(day));
    }

    public RunReport runAccepting(LocalDate day, String... accept) {
        return run(accepting(day, accept));
    }

    RunReport run(RunRequest request) {
        return runs.run(job, request);
    }

    RunReport run(RunRequest request, Cancellation cancellation) {
        return runs.runner.run(job, request, cancellation, run -> {});
    }

    public RunReport cleanup() {
        return runs.run(cleanup, request(DAY));
    }

    RunReport dryCleanup() {
        return runs.run(cleanup, dryRun(DAY));
    }

    static RunRequest request(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, false, false, List.of(), Duration.ofMinutes(5));
    }

    static RunRequest forced(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, true, false, List.of(), Duration.ofMinutes(5));
    }

    static RunRequest dryRun(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, false, true, List.of(), Duration.ofMinutes(5));
    }

    static RunRequest accepting(LocalDate day, String... accept) {
        return new RunRequest(RunOrigin.COMMAND, day, false, false, List.of(accept), Duration.ofMinutes(5));
    }

    long version(SegmentKey key) {
        Long version = registry.show(key).version();
        if (version == null) {
            throw new AssertionError("segment " + key + " has no version");
        }
        return version;
    }

    /** The snapshot's contacts, ordered. */
    List<String> members(SegmentKey key) {
        return db.rows("select contact_id from %s order by 1".formatted(key.snapshot(version(key))));
    }

    /** All diff rows of a segment as "day|contact|added". */
    List<String> diffs(SegmentKey key) {
        return db.rows("""
                select day, contact_id, added from segdiff.segment_changes
                where customer_id = %d and segment_id = %d order by version, contact_id
                """.formatted(key.customerId(), key.segmentId()));
    }

    private static String join(long... contacts) {
        return java.util.Arrays.stream(contacts)
                .mapToObj(Long::toString)
                .collect(java.util.stream.Collectors.joining(","));
    }
}
