package dev.segdiff.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.OwnServer;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random faults of the program, the server and the network, aimed at the middle of random jobs; after each of them
 * nothing may be wrong. {@code ./mvnw -Pcampaign verify} makes a thousand; a seed replays a campaign:
 * {@code -Dsegdiff.test.seed=7}.
 */
@Timeout(value = 8, unit = TimeUnit.HOURS)
class CampaignIT {
    private static final int FAULTS = Integer.getInteger("segdiff.test.faults", 12);
    private static final long SEED = Long.getLong("segdiff.test.seed", 20261125);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private OwnServer server;

    @SuppressWarnings("NullAway.Init")
    private TestDatabase db;

    @SuppressWarnings("NullAway.Init")
    private Workload workload;

    @SuppressWarnings("NullAway.Init")
    private FarReader reader;

    @SuppressWarnings("NullAway.Init")
    private Strikes strikes;

    private final Random random = new Random(SEED);
    private final Tally tally = new Tally(SEED);

    @BeforeEach
    void startServer() throws Exception {
        server = OwnServer.start(directory.resolve("data"), Map.of());
        db = server.install();
        workload = new Workload(db, directory);
        workload.prepare();
        reader = new FarReader(db);
        strikes = new Strikes(server, db, workload, random, reader);
    }

    @AfterEach
    void stopServer() throws Exception {
        db.close();
        server.close();
    }

    @Test
    void nothingIsWrongAfterAnyFault() throws Exception {
        for (int i = 0; i < FAULTS; i++) {
            String what = Victim.ALL.get(i % Victim.ALL.size());
            Fault fault = Fault.any(random);
            try {
                once(what, fault);
            } catch (AssertionError | IllegalStateException e) {
                // The others tell more than the first alone.
                tally.violation("fault %d, %s, %s: %s".formatted(i, what, fault, e));
            }
        }
        settled();
        System.out.println(tally.report());
        assertThat(tally.violations()).as("violations, seed %d", SEED).isEmpty();
        assertThat(tally.hits()).as("faults that hit an open run").isGreaterThanOrEqualTo(FAULTS / 2);
    }

    private void once(String what, Fault fault) throws Exception {
        workload.round();
        boolean open = strikes.strike(what, fault);
        tally.count(what, fault, open);
        Invariants.awaitNoSessions(db);
        if (what.equals("undo")) {
            strikes.finishUndo();
        }
        assertThat(Invariants.violations(db)).isEmpty();
        assertThat(reader.versionsThatCameAgain()).isEmpty();
    }

    /** Undisturbed, everything comes to its end. */
    private void settled() throws Exception {
        workload.round();
        for (String job : Victim.JOBS) {
            strikes.undisturbed(workload.arguments(job));
        }
        assertThat(Invariants.violations(db)).isEmpty();
        assertThat(db.value("select count(*) from event")).isEqualTo(String.valueOf(Workload.YOUNG));
        assertThat(db.rows("select indexrelid::regclass from pg_index where not indisvalid"))
                .isEmpty();
        assertThat(db.value("select count(*) from segdiff.segment_states where customer_id = 7 and day = '%s'"
                        .formatted(workload.day())))
                .isEqualTo(String.valueOf(Workload.SEGMENTS));
    }
}
