package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimeKey.Kind;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Random retentions, days, zones, kinds of keys, eras, infinities, clocks and bounds against a model that is written
 * differently from the code: it knows nothing of bounds, and decides for each value alone, with integers.
 */
class RetentionGuardTest {
    private static final int CASES = 10_000;
    private static final long SEED = 20261125;

    /** Clocks that go back and forth at midnight, by half an hour, a day that was left out, and none of these. */
    private static final List<ZoneId> ZONES = List.of(
            ZoneId.of("UTC"),
            ZoneId.of("Europe/Berlin"),
            ZoneId.of("America/New_York"),
            ZoneId.of("Australia/Lord_Howe"),
            ZoneId.of("America/Sao_Paulo"),
            ZoneId.of("Asia/Beirut"),
            ZoneId.of("Pacific/Apia"),
            ZoneId.of("Asia/Kathmandu"));

    private static final Duration HOUR = Duration.ofHours(1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private final Random random = new Random(SEED);

    /**
     * One row, or the upper bound of one partition.
     *
     * @param clock the database's
     * @param day the day of the run; the bound is made of its end, unless the clock has not come so far
     * @param value as the column writes it
     * @param youngest the latest instant at which the row can have been made; null: infinitely late
     * @param oldest the earliest
     */
    private record Case(
            Kind kind,
            ZoneId zone,
            Duration retention,
            Instant clock,
            LocalDate day,
            String value,
            @Nullable Instant youngest,
            Instant oldest) {
        TimedTable table() {
            String type =
                    switch (kind) {
                        case TIMESTAMPTZ -> "timestamptz";
                        case TIMESTAMP -> "timestamp";
                        case DATE -> "date";
                        case UUID -> "uuid";
                        case UUID_TEXT, ULID -> "text";
                    };
            TimeKey key = new TimeKey(kind, zone, kind == Kind.UUID_TEXT);
            return new TimedTable(
                    new TableName("public", "event"), new ColumnName("v"), key, type, false, true, 0, List.of());
        }

        /** As a run makes it. */
        Horizon horizon() {
            EventPolicy policy = EventPolicy.of("p", table().table(), "v", retention);
            return Horizon.of(policy, table().key(), clock, Horizon.endOf(day, ZoneOffset.UTC));
        }

        boolean isYoung() {
            return youngest == null || !youngest.isBefore(clock.minus(retention));
        }
    }

    @Test
    void noRowYoungerThanItsRetentionIsEverDeletedAndTheOldOnesAre() throws SQLException {
        List<Case> cases = cases();
        List<boolean[]> deleted = judge(cases, "row");
        int young = 0;
        int old = 0;
        for (int i = 0; i < cases.size(); i++) {
            Case one = cases.get(i);
            boolean bound = deleted.get(i)[0];
            boolean guard = deleted.get(i)[1];
            if (one.isYoung()) {
                young++;
                assertThat(guard).as("the guard lets %s go", one).isFalse();
                assertThat(bound).as("the bound lets %s go", one).isFalse();
            } else if (one.oldest().isBefore(one.horizon().at().minus(Duration.ofHours(26)))) {
                old++;
                assertThat(bound && guard).as("%s stays", one).isTrue();
            }
        }
        assertThat(young).as("young rows").isGreaterThan(CASES / 10);
        assertThat(old).as("old rows").isGreaterThan(CASES / 10);
    }

    /** A partition that ends at a value holds rows up to just before that value. */
    @Test
    void noPartitionThatCanHoldAYoungRowIsEverTakenOut() throws SQLException {
        List<Case> cases =
                cases().stream().map(RetentionGuardTest::asUpperBound).toList();
        List<boolean[]> out = judge(cases, "partition");
        int stay = 0;
        int go = 0;
        for (int i = 0; i < cases.size(); i++) {
            Case one = cases.get(i);
            if (one.isYoung()) {
                stay++;
                assertThat(out.get(i)[0] && out.get(i)[1]).as("%s goes", one).isFalse();
            } else if (one.oldest().isBefore(one.horizon().at().minus(Duration.ofHours(26)))) {
                go++;
                assertThat(out.get(i)[0] && out.get(i)[1]).as("%s stays", one).isTrue();
            }
        }
        assertThat(stay).isGreaterThan(CASES / 10);
        assertThat(go).isGreaterThan(CASES / 10);
    }

    private static Case asUpperBound(Case one) {
        if (one.value().endsWith("infinity")) {
            return one;
        }
        Instant last = one.youngest() == null || one.kind() == Kind.DATE
                ? one.youngest()
                : one.youngest().minus(1, ChronoUnit.MICROS);
        // The last row of a partition that ends at a date is of the day before.
        if (one.kind() == Kind.DATE && last != null) {
            last = lastInstant(
                            LocalDateTime.ofInstant(last, one.zone())
                                    .toLocalDate()
                                    .atStartOfDay(),
                            one.zone())
                    .minus(1, ChronoUnit.MICROS);
        }
        return new Case(
                one.kind(), one.zone(), one.retention(), one.clock(), one.day(), one.value(), last, one.oldest());
    }

    private List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        while (cases.size() < CASES) {
            Case one = random();
            // Java's and PostgreSQL's time zone data agree on the past, and may not on rules of the far future.
            if (one.youngest() == null || one.youngest().isBefore(Instant.parse("2037-01-01T00:00:00Z"))) {
                cases.add(one);
            }
        }
        cases.sort(Comparator.comparing(one -> one.kind() + " " + one.zone() + " " + one.retention()));
        return cases;
    }

    private Case random() {
        Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
        ZoneId zone =
                kind.ordinal() >= Kind.UUID.ordinal() ? ZoneId.of("UTC") : ZONES.get(random.nextInt(ZONES.size()));
        Duration[] retentions = {
            HOUR, HOUR.multipliedBy(37), Duration.ofDays(90), Duration.ofDays(3650), Duration.ofDays(36_500)
        };
        Duration retention = retentions[random.nextInt(retentions.length)];
        Instant clock = clock(zone);
        LocalDate today = LocalDate.ofInstant(clock, ZoneOffset.UTC);
        LocalDate day =
                switch (random.nextInt(8)) {
                    case 0 -> LocalDate.of(-2026, 11, 24);
                    case 1 -> LocalDate.of(1960, 1, 1);
                    case 2 -> today.minusDays(random.nextInt(400));
                    case 3 -> today.plusDays(random.nextInt(4000));
                    default -> today;
                };
        return row(kind, zone, retention, clock, day, moment(clock, retention, day));
    }

    /** Often within some hours of clocks that go back or forth, as retentions are whole days mostly. */
    private Instant clock(ZoneId zone) {
        Instant any = Instant.parse("1999-01-01T00:00:00Z").plusSeconds(random.nextInt(Integer.MAX_VALUE / 2));
        var transition = zone.getRules().nextTransition(any);
        return transition == null || random.nextBoolean()
                ? any.plus(random.nextInt(1_000_000), ChronoUnit.MICROS)
                : transition.getInstant().plusSeconds(random.nextInt(4 * 3600) - 2 * 3600);
    }

    /** Near the horizon of the clock or of the day, at the clock, long ago, in the future, and before Christ. */
    private Instant moment(Instant clock, Duration retention, LocalDate day) {
        Instant horizon = clock.minus(retention);
        Instant end = day.plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant();
        return switch (random.nextInt(9)) {
            case 0 -> horizon;
            case 1 -> horizon.plus(random.nextInt(7200) - 3600, ChronoUnit.SECONDS);
            case 2 -> horizon.plus(random.nextInt(9) - 4, ChronoUnit.MICROS);
            case 3 -> horizon.plus(random.nextInt(6) - 3, ChronoUnit.DAYS);
            case 4 ->
                clock.minusSeconds(random.nextInt(1 + (int) Math.min(Integer.MAX_VALUE - 1, retention.toSeconds())));
            case 5 -> end.minus(retention).plusSeconds(random.nextInt(7200) - 3600);
            case 6 -> horizon.minus(random.nextInt(20_000), ChronoUnit.DAYS);
            case 7 -> Instant.parse("-0043-03-15T12:00:00Z").plus(random.nextInt(9999), ChronoUnit.DAYS);
            default -> clock.plus(random.nextInt(3000), ChronoUnit.DAYS);
        };
    }

    /** A row made at this moment, as its column writes it, and between which instants it can have been made. */
    private Case row(Kind kind, ZoneId zone, Duration retention, Instant clock, LocalDate day, Instant moment) {
        if (kind.ordinal() < Kind.UUID.ordinal() && random.nextInt(50) == 0) {
            boolean future = random.nextBoolean();
            return new Case(
                    kind,
                    zone,
                    retention,
                    clock,
                    day,
                    future ? "infinity" : "-infinity",
                    future ? null : Instant.MIN.plusSeconds(1_000_000),
                    future ? Instant.MAX : Instant.MIN.plusSeconds(1_000_000));
        }
        Instant micros = moment.truncatedTo(ChronoUnit.MICROS);
        LocalDateTime local = LocalDateTime.ofInstant(micros, zone);
        Instant millis = Instant.ofEpochMilli(Math.max(0, moment.toEpochMilli()));
        return switch (kind) {
            case TIMESTAMPTZ ->
                new Case(
                        kind,
                        zone,
                        retention,
                        clock,
                        day,
                        text(LocalDateTime.ofInstant(micros, ZoneOffset.UTC), "+00"),
                        micros,
                        micros);
            case TIMESTAMP ->
                new Case(
                        kind,
                        zone,
                        retention,
                        clock,
                        day,
                        text(local, ""),
                        lastInstant(local, zone),
                        firstInstant(local, zone));
            case DATE -> {
                LocalDate date = local.toLocalDate();
                yield new Case(
                        kind,
                        zone,
                        retention,
                        clock,
                        day,
                        text(date.atStartOfDay(), "").replace(" 00:00:00.000000", ""),
                        lastInstant(date.plusDays(1).atStartOfDay(), zone).minus(1, ChronoUnit.MICROS),
                        firstInstant(date.atStartOfDay(), zone));
            }
            case UUID, UUID_TEXT -> {
                String hex = String.format("%012x7%019x", millis.toEpochMilli(), random.nextLong() & Long.MAX_VALUE);
                yield new Case(
                        kind,
                        zone,
                        retention,
                        clock,
                        day,
                        hex.replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5"),
                        millis,
                        millis);
            }
            case ULID -> new Case(kind, zone, retention, clock, day, ulid(millis.toEpochMilli()), millis, millis);
        };
    }

    private static String text(LocalDateTime time, String offset) {
        int year = time.getYear();
        return "%04d-%02d-%02d %02d:%02d:%02d.%06d%s%s"
                .formatted(
                        year > 0 ? year : 1 - year,
                        time.getMonthValue(),
                        time.getDayOfMonth(),
                        time.getHour(),
                        time.getMinute(),
                        time.getSecond(),
                        time.getNano() / 1000,
                        offset,
                        year > 0 ? "" : " BC");
    }

    private String ulid(long millis) {
        String digits = "0123456789abcdefghijklmnopqrstuv";
        String crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        BigInteger value = BigInteger.valueOf(millis).shiftLeft(80).or(new BigInteger(80, random));
        StringBuilder text = new StringBuilder();
        for (char digit : value.toString(32).toCharArray()) {
            text.append(crockford.charAt(digits.indexOf(digit)));
        }
        return "0".repeat(26 - text.length()) + text;
    }

    /** Of all instants at which clocks in the zone show this time, the last one; in a gap, where the gap ends. */
    private static Instant lastInstant(LocalDateTime local, ZoneId zone) {
        return instants(local, zone).stream().max(Comparator.naturalOrder()).orElseThrow();
    }

    private static Instant firstInstant(LocalDateTime local, ZoneId zone) {
        return instants(local, zone).stream().min(Comparator.naturalOrder()).orElseThrow();
    }

    private static List<Instant> instants(LocalDateTime local, ZoneId zone) {
        List<ZoneOffset> offsets = zone.getRules().getValidOffsets(local);
        if (offsets.isEmpty()) {
            return List.of(zone.getRules().getTransition(local).getInstant());
        }
        List<Instant> instants = new ArrayList<>();
        offsets.forEach(offset -> instants.add(local.toInstant(offset)));
        // Clocks that go back when a day ends show the whole last hour twice; midnight itself comes after both.
        return instants;
    }

    /** What the bound and the guard say of each case, as the statements of a run do. */
    private List<boolean[]> judge(List<Case> cases, String what) throws SQLException {
        List<boolean[]> verdicts = new ArrayList<>();
        try (Connection connection = db.connect()) {
            connection.createStatement().execute("set timezone = 'UTC'");
            for (int from = 0; from < cases.size(); ) {
                int until = from;
                while (until < cases.size() && sameStatement(cases.get(from), cases.get(until))) {
                    until++;
                }
                verdicts.addAll(judge(connection, cases.subList(from, until), what));
                from = until;
            }
        }
        return verdicts;
    }

    private static boolean sameStatement(Case one, Case other) {
        return one.kind() == other.kind()
                && one.zone().equals(other.zone())
                && one.retention().equals(other.retention());
    }

    private static List<boolean[]> judge(Connection connection, List<Case> cases, String what) throws SQLException {
        TimedTable table = cases.get(0).table();
        boolean row = what.equals("row");
        RetentionGuard retention = new RetentionGuard(table, cases.get(0).retention());
        Where guard = row ? retention.rows("clock") : retention.ended("c.v::text", "clock");
        String sql = """
                select %s as bound, coalesce(%s, false) as guard
                from (select cast(value as %s) as v, cast(bound as %3$s) as bound, clock::timestamptz as clock, n
                      from unnest(?::text[], ?::text[], ?::text[]) with ordinality u (value, bound, clock, n)) c
                order by n
                """.formatted(row ? "v < bound" : "v <= bound", guard.sql(), table.type());
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, guard.binds().get(0));
            statement.setArray(
                    2, array(connection, cases.stream().map(Case::value).toList()));
            statement.setArray(
                    3,
                    array(
                            connection,
                            cases.stream().map(one -> one.horizon().value()).toList()));
            statement.setArray(
                    4,
                    array(
                            connection,
                            cases.stream().map(one -> one.clock().toString()).toList()));
            List<boolean[]> verdicts = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    verdicts.add(new boolean[] {rows.getBoolean("bound"), rows.getBoolean("guard")});
                }
            }
            return verdicts;
        }
    }

    private static java.sql.Array array(Connection connection, List<String> values) throws SQLException {
        return connection.createArrayOf("text", values.toArray());
    }
}
