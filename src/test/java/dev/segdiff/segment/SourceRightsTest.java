package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who can make whom run what: a reader registers sources of its own, and the worker reads them. */
class SourceRightsTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private String reader = "";

    @SuppressWarnings("NullAway.Init")
    private TestDatabase application;

    @SuppressWarnings("NullAway.Init")
    private SegmentFixture segments;

    @BeforeEach
    void logInAsAReader() throws SQLException {
        reader = "reader_" + db.name();
        db.execute(
                "create role %s login password 'x' in role segdiff_reader".formatted(reader),
                "create schema app authorization " + reader,
                "create table public.payroll (contact_id bigint)",
                "insert into public.payroll values (1001), (1002)",
                "grant select on public.payroll to segdiff_worker");
        application = db.as(reader, "x");
        segments = new SegmentFixture(db);
    }

    @AfterEach
    void dropRole() {
        application.close();
        db.execute("drop owned by " + reader + " cascade", "drop role " + reader);
    }

    private void register(String source) {
        application.execute("select segdiff.use_segment(7, 1, '%s')".formatted(source));
    }

    private List<String> members() {
        return segments.members(new SegmentKey(7, 1));
    }

    /** The worker may act as the reader. */
    private void grantReaderToWorker() {
        db.execute("grant %s to %s".formatted(reader, db.worker()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"payroll", "pg_temp.payroll", "pg_temp_3.payroll"})
    void temporaryRelationNeverStandsForAnother(String source) throws SQLException {
        try (var session = java.sql.DriverManager.getConnection(db.url(), reader, "x");
                var statement = session.createStatement()) {
            statement.execute("create temporary table payroll (contact_id bigint)");

            assertThatThrownBy(() -> statement.execute("select segdiff.use_segment(7, 1, '%s')".formatted(source)))
                    .hasMessageMatching("(?s).*(may not read source public.payroll|does not exist|is temporary).*");
        }
        assertThat(db.rows("select * from segdiff.segments")).isEmpty();
    }

    @Test
    void sourceIsStoredByItsWholeNameWithItsOwnerAndWhoRegisteredIt() {
        db.execute("grant select on public.payroll to " + reader);
        register("PayRoll");

        assertThat(db.rows("select source, source_owner, registered_by from segdiff.segments"))
                .containsExactly("public.payroll|%s|%s".formatted(db.user(), reader));
    }

    @Test
    void tableIsReadWithoutAGrantOfTheRoleAndOnlyWhileTheRoleMayReadIt() {
        db.execute("grant select on public.payroll to " + reader);
        register("public.payroll");
        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(members()).containsExactly("1001", "1002");

        db.execute("revoke select on public.payroll from " + reader);
        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains(
                        "role %s, which registered source public.payroll, may not read it any more".formatted(reader));
    }

    @Test
    void viewIsRefusedWithTheGrantToMakeWhileTheWorkerLacksTheRole() {
        application.execute("create view app.v as select 5::bigint as contact_id");
        register("app.v");

        RunReport report = segments.run(DAY);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("source app.v is read with the rights of role " + reader)
                .contains("grant %s to %s".formatted(reader, db.worker()));
        grantReaderToWorker();
        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(members()).containsExactly("5");
    }

    /** What code in a source tries, and what it hands back as a contact if that went well. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "select contact_id into found from public.payroll limit 1",
                "select 1 + count(*) into found from segdiff.segments",
                "perform set_config('role', 'none', false); select contact_id into found from public.payroll limit 1",
                "perform set_config('role', session_user, true); select contact_id into found from public.payroll limit 1",
                "execute 'reset role'; select contact_id into found from public.payroll limit 1",
                "execute 'set session authorization default'; select contact_id into found from public.payroll limit 1",
                "execute format('alter role %%I password ''stolen''', session_user); found := 1",
                "execute 'update segdiff.segments set source = ''public.payroll'''; found := 1",
                "execute 'create function segdiff.mine() returns int language sql as ''select 1'''; found := 1",
            })
    void codeInASourceHasOnlyTheRightsOfItsRegistrant(String attempt) {
        grantReaderToWorker();
        attack(attempt);

        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);

        assertThat(members()).containsExactly("0");
        assertThat(db.value("select source from segdiff.segments")).isEqualTo("app.v");
    }

    /** What code puts off until the transaction commits, or until the session's next statement. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "insert into app.late values (1)",
                "execute 'declare held cursor with hold for select app.tell()'",
                "perform set_config('search_path', 'app, pg_catalog', false)",
                "execute 'deallocate all'; for n in 1..30 loop execute format('prepare %%I as select app.tell()', 'S_' || n); end loop",
                "execute 'create temporary table segdiff_changes (contact_id bigint, place tid)'",
                "execute 'create temporary table segdiff_upload (contact_id bigint)'",
                "perform set_config('segdiff.run', '99', false), set_config('jit', 'on', false)",
            })
    void codeInASourceRunsNothingLaterAsTheWorker(String attempt) {
        grantReaderToWorker();
        // It tells who runs it; everybody may write there.
        db.execute("create table public.told (who text)", "grant insert on public.told to public");
        application.execute(
                "create function app.tell() returns int language plpgsql as $$ begin insert into public.told values (current_user); return 1; end $$",
                "create function app.eq(bigint, bigint) returns boolean language plpgsql as $$ begin perform app.tell(); return $1 operator(pg_catalog.=) $2; end $$",
                "create operator app.= (leftarg = bigint, rightarg = bigint, function = app.eq)",
                "create table app.late (i int)",
                "create function app.late() returns trigger language plpgsql as $$ begin perform app.tell(); return null; end $$",
                "create constraint trigger late after insert on app.late deferrable initially deferred for each row execute function app.late()");
        attack(attempt + "; found := 0");

        for (int day = 0; day < 3; day++) {
            segments.run(DAY.plusDays(day));
        }
        // A session of the pool that is used again by a segment of somebody else.
        SegmentKey other = segments.segment(2, 1, 2, 3);
        segments.run(DAY.plusDays(4));

        assertThat(db.rows("select distinct who from public.told where who <> '%s'".formatted(reader)))
                .isEmpty();
        assertThat(segments.members(other)).containsExactly("1", "2", "3");
    }

    private void attack(String attempt) {
        application.execute(
                """
                create function app.attack() returns bigint language plpgsql as $$
                declare found bigint := 0; n int;
                begin
                    %s;
                    return found;
                exception when others then return 0;
                end $$
                """.formatted(attempt.replace("%%", "%")), "create view app.v as select app.attack() as contact_id");
        register("app.v");
    }

    @Test
    void securityInvokerViewShowsWhatTheReaderMaySee() {
        org.junit.jupiter.api.Assumptions.assumeTrue(
                Integer.parseInt(db.value("show server_version_num")) >= 150_000, "security_invoker came with 15");
        grantReaderToWorker();
        application.execute("create view app.v with (security_invoker) as select contact_id from public.payroll");
        register("app.v");

        assertThat(segments.run(DAY).problems())
                .singleElement()
                .asString()
                .contains("permission denied for table payroll");
    }

    @Test
    void viewThatTheWorkerRegisteredIsReadWithTheRightsOfItsOwner() {
        application.execute("create view app.v as select (select count(*) from public.payroll) as contact_id");
        db.execute("grant usage on schema app to segdiff_worker", "grant select on app.v to segdiff_worker");
        segments.registry.add(new SegmentKey(7, 1), TableName.parse("app.v"));

        assertThat(segments.run(DAY).problems())
                .singleElement()
                .asString()
                .contains("read with the rights of role " + reader);
        grantReaderToWorker();
        assertThat(segments.run(DAY).problems())
                .singleElement()
                .asString()
                .contains("permission denied for table payroll");
    }

    @Test
    void sourceThatWasMadeAgainByAnotherOwnerIsHeldBackUntilAPersonAccepts() {
        SegmentKey key = segments.segment(1, 1, 2);
        segments.run(DAY);
        db.execute(
                "drop table source_1",
                "create table source_1 (contact_id bigint)",
                "insert into source_1 values (1), (2), (3)",
                "grant select on source_1 to " + db.worker());
        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
        db.execute("alter table source_1 owner to " + reader);

        RunReport report = segments.run(DAY.plusDays(2));

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("7/1 held_back: source public.source_1 belonged to %s and belongs to %s now"
                        .formatted(db.user(), reader));
        assertThat(segments.members(key)).containsExactly("1", "2", "3");
        assertThat(segments.runAccepting(DAY.plusDays(2), "7/1").outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.run(DAY.plusDays(3)).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void rowSecurityFailsASourceUnlessTheSegmentIsRegisteredWithThatInMind() {
        grantReaderToWorker();
        db.execute(
                "create table public.hidden (contact_id bigint)",
                "insert into public.hidden values (1), (2), (3)",
                "grant select on public.hidden to " + reader,
                "grant select on public.hidden to segdiff_worker");
        register("public.hidden");
        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        db.execute(
                "alter table public.hidden enable row level security",
                "create policy p on public.hidden using (contact_id = 2)");

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("row-level security", "bypassrls", "--row-security");
        assertThat(members()).containsExactly("1", "2", "3");
        db.execute("update segdiff.segments set row_security = true");
        segments.runAccepting(DAY.plusDays(1), "7/1");
        assertThat(members()).containsExactly("2");
    }

    /** The worker writes the name of the snapshot, and the functions of the owner follow it. */
    @ParameterizedTest
    @ValueSource(strings = {"public.payroll", "segdiff.runs", "app.v"})
    void readersReadOnlySnapshotsOfTheirSegment(String other) {
        application.execute("create view app.v as select 1::bigint as contact_id");
        segments.segment(1, 1, 2);
        segments.run(DAY);
        db.execute("update segdiff.segments set snapshot = '%s'::regclass".formatted(other));

        for (String call : List.of("segdiff.read_segment(7, 1)", "segdiff.members(7, 1)")) {
            assertThatThrownBy(() -> application.execute("select * from " + call))
                    .hasMessageContaining("is no snapshot of segment 7/1");
        }
    }

    @Test
    void unpopulatedMaterializedViewFailsAndRemovesNobody() {
        SegmentKey key = segments.segment(1, 1, 2, 3);
        segments.run(DAY);
        db.execute(
                "alter table source_1 rename to base",
                "create materialized view source_1 as select contact_id from base with no data",
                "grant select on source_1 to " + db.worker());

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems()).singleElement().asString().contains("has not been populated");
        assertThat(segments.members(key)).hasSize(3);
    }

    @Test
    void childrenOfATableBelongToTheSource() {
        SegmentKey key = segments.segment(1, 1, 2);
        db.execute("create table child () inherits (source_1)", "insert into child values (3), (3)");

        segments.run(DAY);

        assertThat(segments.members(key)).containsExactly("1", "2", "3");
    }

    /** Each has a fixed search path that ends with pg_temp, and is nobody's who was not given it by name. */
    @Test
    void functionsWithTheirOwnersRightsAreSealed() {
        assertThat(db.rows("""
                        select p.oid::regprocedure from pg_proc p
                        where p.pronamespace = 'segdiff'::regnamespace and p.prosecdef
                          and (not exists (select from unnest(p.proconfig) c where c ~ '^search_path=.*pg_temp$')
                               or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                                          where a.grantee = 0))
                        """)).isEmpty();
        assertThat(db.value("select count(*) from pg_proc where pronamespace = 'segdiff'::regnamespace and prosecdef"))
                .isNotEqualTo("0");
    }

    /** Operators, functions and relations of the same names, which stand first where names are looked up. */
    @Test
    void hostileNamesAreNeverCalledByFunctionsWithTheirOwnersRights() {
        segments.segment(1, 1, 2);
        segments.run(DAY);
        db.execute("grant select on public.payroll to " + reader);
        application.execute(
                "create function app.caught() returns boolean language plpgsql as $$ begin raise exception 'caught as %', current_user; end $$",
                "create function app.eq(bigint, bigint) returns boolean language sql as 'select app.caught()'",
                "create function app.eq(text, text) returns boolean language sql as 'select app.caught()'",
                "create function app.lt(timestamptz, timestamptz) returns boolean language sql as 'select app.caught()'",
                "create operator app.= (leftarg = bigint, rightarg = bigint, function = app.eq)",
                "create operator app.= (leftarg = text, rightarg = text, function = app.eq)",
                "create operator app.< (leftarg = timestamptz, rightarg = timestamptz, function = app.lt)",
                "create function app.now() returns timestamptz language sql as 'select case when app.caught() then null end::timestamptz'",
                "create function app.format(text, variadic text[]) returns text language sql as 'select app.caught()::text'",
                "create function app.to_regclass(text) returns regclass language sql as 'select case when app.caught() then null end::regclass'",
                "create function app.current_setting(text) returns text language sql as 'select app.caught()::text'");
        for (String call : List.of(
                "segdiff.use_segment(7, 1)",
                "segdiff.use_segment(7, 9, 'public.payroll')",
                "segdiff.read_segment(7, 1)",
                "segdiff.members(7, 1)",
                "segdiff.net_changes(7, 1, (select segdiff.use_segment(7, 1)), (select segdiff.use_segment(7, 1)))")) {
            application.execute("""
                    set search_path = app, pg_catalog;
                    create temporary table segments (customer_id bigint, segment_id bigint, source text);
                    create temporary table segment_versions (version bigint);
                    select * from %s
                    """.formatted(call));
        }
    }
}
