package dev.segdiff.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.pace.Steps;
import dev.segdiff.pace.Throttle;
import dev.segdiff.pace.ThrottleConfig;
import dev.segdiff.pace.ThrottleQueries;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/** What every job needs, wired by hand over a test's database. */
public final class RunFixture {
    public final Database database;
    public final RunConfig config;
    public final RunLedger ledger;
    public final JobControls controls;
    public final Throttle throttle;
    public final Steps steps;
    public final JobRunner runner;
    final Leases leases;

    public RunFixture(TestDatabase db, String... settings) {
        database = db.database();
        config = TestConfig.of(RunConfig.class, settings);
        ledger = new RunLedger(database, new ObjectMapper());
        controls = new JobControls(database);
        leases = new Leases(database, config);
        runner = new JobRunner(ledger, leases, controls);
        ThrottleConfig throttleConfig = TestConfig.of(ThrottleConfig.class, settings);
        throttle = new Throttle(controls, new ThrottleQueries(database, throttleConfig), throttleConfig);
        steps = new Steps(database);
    }

    public RunReport run(Job job, RunRequest request) {
        return runner.run(job, request, new Cancellation(), run -> {});
    }

    public static RunRequest request(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, false, false, List.of(), Duration.ofMinutes(5));
    }

    public static RunRequest dryRun(LocalDate day) {
        return new RunRequest(RunOrigin.COMMAND, day, false, true, List.of(), Duration.ofMinutes(5));
    }
}
