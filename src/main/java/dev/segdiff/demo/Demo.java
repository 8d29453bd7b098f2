package dev.segdiff.demo;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.event.EventExpiry;
import dev.segdiff.event.EventPolicy;
import dev.segdiff.run.JobRunner;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.segment.Segment;
import dev.segdiff.segment.SegmentDiff;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.segment.SegmentRegistry;
import dev.segdiff.segment.SegmentVersion;
import dev.segdiff.segment.SnapshotCleanup;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.postgresql.copy.CopyIn;

/**
 * The demo: loads an activity log, registers segments over it, replays its last days, and deletes old events and the
 * unused segment.
 */
@ApplicationScoped
public class Demo {
    /** The customer of all demo segments. */
    private static final long CUSTOMER = 1;

    private static final LocalDate LAST_DAY = LocalDate.of(2024, 10, 24);
    private static final int DAYS = 30;

    private static final List<String> OWN_VIEW = List.of(
            "active_30_days",
            "active_90_days",
            "newcomers",
            "lapsed",
            "regulars",
            "large_changes",
            "weekenders",
            "veterans");
    private static final TableName ACTIVITY = new TableName("segdiff_demo", "activity");

    /** The segment that nobody uses, which is removed at the end. */
    public static final SegmentKey FORGOTTEN = new SegmentKey(CUSTOMER, 12);

    /** How long the events are kept, five years. No segment of the demo looks back further than one year. */
    public static final int RETENTION_DAYS = 5 * 365;

    private static final List<Long> BY_AREA = List.of(9L, 10L, 11L, 12L);

    private final Database database;
    private final SegmentRegistry registry;
    private final Jobs jobs;
    private final EventExpiry expiry;
    private final JobRunner runner;
    private final RunConfig config;

    Demo(
            Database database,
            SegmentRegistry registry,
            Jobs jobs,
            EventExpiry expiry,
            JobRunner runner,
            RunConfig config) {
        this.database = database;
        this.registry = registry;
        this.jobs = jobs;
        this.expiry = expiry;
        this.runner = runner;
        this.config = config;
    }

    /** The segment that the demo shows, the one that has changed most. */
    public SegmentKey sample() {
        return registry.list().stream()
                .map(segment -> new SegmentKey(segment.customerId(), segment.segmentId()))
                .max(java.util.Comparator.comparingLong(this::changes))
                .orElseThrow();
    }

    private long changes(SegmentKey key) {
        return versions(key).stream()
                .filter(version -> !version.baseline())
                .mapToLong(version -> version.added() + version.removed())
                .sum();
    }

    /**
     * Loads the log and registers the segments, in place of an earlier demo.
     *
     * @return the number of events
     * @throws InvalidInputException if the database has segments that are not of the demo: replaying old days would
     *     publish versions of these, too
     */
    public long prepare() {
        List<Segment> present = registry.list();
        present.stream().filter(segment -> !isOurs(segment)).findAny().ifPresent(segment -> {
            throw new InvalidInputException("the database has segments that are not the demo's, such as "
                    + segment.customerId() + "/" + segment.segmentId() + ": run the demo on an empty database");
        });
        present.forEach(segment -> registry.remove(new SegmentKey(segment.customerId(), segment.segmentId())));
        long events = database.transaction(session -> {
            session.update(resource("segments.sql"));
            return copyActivity(session);
        });
        for (int i = 0; i < OWN_VIEW.size(); i++) {
            registry.add(new SegmentKey(CUSTOMER, i + 1L), new TableName("segdiff_demo", OWN_VIEW.get(i)));
        }
        BY_AREA.forEach(id -> registry.add(new SegmentKey(CUSTOMER, id), new TableName("segdiff_demo", "by_area")));
        return events;
    }

    /** Runs segment-diff once for each of the last days of the log. */
    public List<RunReport> replay(Cancellation cancellation) {
        return LAST_DAY.minusDays(DAYS - 1L)
                .datesUntil(LAST_DAY.plusDays(1))
                .map(day -> runner.run(jobs.named(SegmentDiff.NAME), request(day), cancellation, run -> {}))
                .toList();
    }

    /** Runs snapshot-cleanup, which removes the segment that nobody uses. It can be restored from the trash. */
    public RunReport cleanUp(Cancellation cancellation) {
        database.inTransaction(session -> session.update("""
                update segdiff.segments set last_used_at = now() - interval '35 days'
                where customer_id = ? and segment_id = ?
                """, FORGOTTEN.customerId(), FORGOTTEN.segmentId()));
        return runner.run(jobs.named(SnapshotCleanup.NAME), request(LAST_DAY), cancellation, run -> {});
    }

    /** Runs event-expiry, which deletes events that were older than five years on the last day of the log. */
    public RunReport expire(Cancellation cancellation) {
        EventPolicy policy = EventPolicy.of("demo", ACTIVITY, "created_at", Duration.ofDays(RETENTION_DAYS));
        return runner.run(expiry.of(List.of(policy)), request(LAST_DAY), cancellation, run -> {});
    }

    private RunRequest request(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, false, false, List.of(), config.timeBudget());
    }

    /** The versions of a segment, the oldest first. */
    public List<SegmentVersion> versions(SegmentKey key) {
        return registry.versions(key, DAYS).stream()
                .sorted(java.util.Comparator.comparing(SegmentVersion::version))
                .toList();
    }

    private static boolean isOurs(Segment segment) {
        return segment.customerId() == CUSTOMER
                && Objects.requireNonNullElse(segment.source(), "").startsWith("segdiff_demo.");
    }

    private static long copyActivity(Session session) {
        CopyIn copy = session.copyIn("copy segdiff_demo.activity from stdin (format csv, header)");
        try (InputStream log = new GZIPInputStream(open("activity.csv.gz"))) {
            byte[] buffer = new byte[64 * 1024];
            for (int n = log.read(buffer); n >= 0; n = log.read(buffer)) {
                copy.writeToCopy(buffer, 0, n);
            }
            return copy.endCopy();
        } catch (SQLException e) {
            throw new DatabaseException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String resource(String name) {
        try (InputStream in = open(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String name) {
        return Objects.requireNonNull(
                Thread.currentThread().getContextClassLoader().getResourceAsStream("demo/" + name),
                () -> "resource demo/" + name);
    }
}
