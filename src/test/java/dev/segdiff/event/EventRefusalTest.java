package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import io.smallrye.config.ConfigValidationException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a policy is refused for, before anything is touched. */
class EventRefusalTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private static final String[] TABLE = {
        "create table event (id bigint primary key, created_at timestamptz, note text)",
        "create index on event (created_at)",
        "insert into event values (1, now() - interval '200 days')"
    };

    private RunReport run(String... more) {
        return new EventFixture(db, EventFixture.policy(more)).run();
    }

    /** All rows of the table have expired, and that is right. */
    private RunReport runAccepting(String... more) {
        return new EventFixture(db, EventFixture.policy(more)).runAccepting("audit");
    }

    private void assertRefused(RunReport report, String why) {
        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).anyMatch(line -> line.startsWith("policy audit refused: ") && line.contains(why));
        assertThat(db.value("select count(*) from event")).isNotEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "table; public.nothing; table public.nothing does not exist",
                "time-column; made; table public.event has no column made",
                "time-column; note; column note of public.event is text, expected timestamptz, timestamp or date",
                "table; segdiff.runs; is a table of segdiff or of PostgreSQL itself",
                "table; pg_catalog.pg_class; is a table of segdiff or of PostgreSQL itself",
                "table; public.event_view; is no table",
            })
    void tableThatDoesNotFitIsRefused(String key, String value, String why) {
        db.execute(TABLE);
        db.execute("create view event_view as select * from event");

        assertRefused(run("segdiff.events.audit." + key, value), why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "drop index event_created_at_idx; no index of public.event begins with created_at",
                "create index other on event (id, created_at) | drop index event_created_at_idx; no index of public.event",
                "drop index event_created_at_idx | create index part on event (created_at) where id > 5; no index of public.event",
                "create table child (event_id bigint references event); has no index: each deleted row would read all of it",
                "alter table event add unique (id, created_at) | create table child (event_id bigint, at timestamptz, foreign key (event_id, at) references event (id, created_at)) | create index on child (event_id) include (at); has no index: each deleted row would read all of it",
            })
    void tableThatWouldBeSlowOrUnsafeIsRefused(String change, String why) {
        db.execute(TABLE);
        db.execute(change.replace("|", ";"));

        assertRefused(run(), why);
    }

    @Test
    void tableThatSomebodyHasLockedIsBusyAndNotRefused() throws java.sql.SQLException {
        db.execute(
                "create table event (id uuid primary key)",
                "insert into event values (segdiff.uuid_at(now() - interval '100 days'))");
        try (java.sql.Connection migration = db.connect()) {
            migration.setAutoCommit(false);
            migration.createStatement().execute("lock table event in access exclusive mode");

            RunReport report = new EventFixture(
                            db,
                            "segdiff.events.audit.table",
                            "event",
                            "segdiff.events.audit.id-column",
                            "id",
                            "segdiff.events.audit.retention",
                            "90d")
                    .run();

            assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(report.problems()).singleElement().asString().startsWith("policy audit is locked: ");
        }
    }

    @Test
    void cascadeIntoSomethingLargeIsRefused() {
        db.execute(TABLE);
        db.execute(
                "create table child (event_id bigint references event on delete cascade)",
                "create index on child (event_id)",
                "insert into child select 1 from generate_series(1, 120000)",
                "analyze child");

        assertRefused(run(), "takes rows of child along, which has about 120000");
    }

    @Test
    void cascadeIntoSomethingSmallIsServed() {
        db.execute(TABLE);
        db.execute(
                "create table child (event_id bigint references event on delete cascade)",
                "create index on child (event_id)",
                "insert into child values (1)",
                "analyze child");

        assertThat(runAccepting().outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.value("select count(*) from child")).isEqualTo("0");
    }

    @Test
    void rowSecurityThatHidesRowsAndMissingPrivilegesAreRefused() throws java.sql.SQLException {
        db.execute(TABLE);
        String role = "reader_" + db.name();
        db.execute(
                "create role %s login password 'x'".formatted(role),
                "grant usage on schema public to " + role,
                "grant select on event to " + role,
                "alter table event enable row level security");
        try {
            TestDatabase asRole = db.as(role, "x");
            db.execute(
                    "grant usage on schema segdiff to " + role,
                    "grant all on all tables in schema segdiff to " + role,
                    "grant execute on all functions in schema segdiff to " + role,
                    "grant usage on all sequences in schema segdiff to " + role);
            RunReport report = new EventFixture(asRole, EventFixture.policy()).run();
            asRole.close();

            assertRefused(report, "may not select and delete");
            assertRefused(report, "row security hides rows");
        } finally {
            db.execute("drop owned by " + role, "drop role " + role);
        }
    }

    @Test
    void tableInAForbiddenSchemaIsRefusedWithAllGrantsThatAreMissing() throws java.sql.SQLException {
        db.execute(TABLE);
        db.execute("create schema app", "alter table event set schema app");
        String role = "outsider_" + db.name();
        db.execute("create role %s login password 'x'".formatted(role));
        try {
            TestDatabase asRole = db.as(role, "x");
            db.execute(
                    "grant usage on schema segdiff to " + role,
                    "grant all on all tables in schema segdiff to " + role,
                    "grant execute on all functions in schema segdiff to " + role,
                    "grant usage on all sequences in schema segdiff to " + role);
            RunReport report =
                    new EventFixture(asRole, EventFixture.policy("segdiff.events.audit.table", "app.event")).run();
            asRole.close();

            db.execute("create view event as select * from app.event");
            assertRefused(report, "grant usage on schema app");
            assertRefused(report, "grant select, delete, update (created_at) on app.event");
        } finally {
            db.execute("drop owned by " + role, "drop role " + role);
        }
    }

    @Test
    void refusedPolicyDoesNotStopTheOthers() {
        db.execute(TABLE);

        RunReport report = runAccepting(
                "segdiff.events.broken.table", "public.nothing",
                "segdiff.events.broken.time-column", "created_at",
                "segdiff.events.broken.retention", "90d");

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).containsExactly("policy broken refused: table public.nothing does not exist");
        assertThat(db.value("select count(*) from event")).isEqualTo("0");
    }

    @Test
    void tableUnderTwoPoliciesIsRefusedForBoth() {
        db.execute(TABLE);

        RunReport report = run(
                "segdiff.events.other.table", "event",
                "segdiff.events.other.time-column", "created_at",
                "segdiff.events.other.retention", "9d");

        assertRefused(report, "table public.event is under policy other already");
        assertThat(report.problems()).hasSize(2);
    }

    @Test
    void partitionOfATableThatHasAPolicyIsRefused() {
        db.execute(
                "create table event (created_at timestamptz) partition by range (created_at)",
                "create table event_2020 partition of event for values from ('2020-01-01') to ('2021-01-01')",
                "insert into event values ('2020-05-05')",
                "create index on event (created_at)");

        RunReport report = run(
                "segdiff.events.part.table", "event_2020",
                "segdiff.events.part.time-column", "created_at",
                "segdiff.events.part.retention", "9d");

        assertThat(report.problems())
                .contains("policy part refused: table public.event_2020 is under policy audit already");
    }

    @Test
    void tablePartitionedBySomethingElseIsRefused() {
        db.execute(
                "create table event (tenant int, created_at timestamptz) partition by hash (tenant)",
                "create table event_0 partition of event for values with (modulus 1, remainder 0)",
                "insert into event values (1, '2020-05-05')",
                "create index on event (created_at)");

        assertRefused(run(), "is partitioned by HASH (tenant), expected range (created_at)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "retention; 59m; segdiff.events.audit.retention is PT59M, expected an hour or more",
                "id-column; id; expected time-column or id-column, got both",
                "table; a-b; is no relation, expected NAME",
                "partitions-ahead; -1; segdiff.events.audit.partitions-ahead",
                "partitions-ahead; 1001; segdiff.events.audit.partitions-ahead is 1001",
                "max-rows; 0; segdiff.events.audit.max-rows is 0",
            })
    void configurationThatIsWrongByItselfIsInvalidInput(String key, String value, String why) {
        assertThatThrownBy(() -> run("segdiff.events.audit." + key, value))
                .isInstanceOfAny(InvalidInputException.class, ConfigValidationException.class)
                .hasMessageContaining(why);
        assertThat(db.rows("select * from segdiff.runs")).isEmpty();
    }

    @Test
    void allMissingKeysAreReportedTogether() {
        assertThatThrownBy(() -> new EventFixture(db, "segdiff.events.audit.enabled", "true").run())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("segdiff.events.audit.table is missing")
                .hasMessageContaining("got neither")
                .hasMessageContaining("segdiff.events.audit.retention is missing");
    }

    @Test
    void keysOfAPolicyAreThoseThatAreChecked() {
        assertThat(Arrays.stream(EventsConfig.Policy.class.getDeclaredMethods())
                        .map(method ->
                                method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT)))
                .containsExactlyInAnyOrderElementsOf(EventsConfig.KEYS);
    }

    @Test
    void throttleQueryThatFailsIsRefused() {
        db.execute(TABLE);

        RunReport report = run("segdiff.throttle.query", "select load > 5 from nowhere");

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.reason()).contains("segdiff.throttle.query fails");
    }
}
