package dev.segdiff.run;

import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/** Finds out which day a run is for. Today is the day of the database's clock, so that all pods agree. */
@ApplicationScoped
public class LogicalDay {
    /**
     * The first day that is allowed. In every time zone it begins after 1970-01-01 00:00 UTC, and ids that begin with a
     * time cannot hold an earlier time.
     */
    private static final LocalDate FIRST = LocalDate.of(1970, 1, 2);

    private final Database database;
    private final RunConfig config;

    public LogicalDay(Database database, RunConfig config) {
        this.database = database;
        this.config = config;
    }

    /**
     * The day asked for, or today.
     *
     * @throws InvalidInputException if the day has not begun yet, or lies before 1970-01-02
     */
    public LocalDate orToday(@Nullable LocalDate asked) {
        String zone = config.timeZone().getId();
        LocalDate today = database.transaction(session ->
                session.one("select (now() at time zone ?)::date", row -> row.getObject(1, LocalDate.class), zone));
        if (asked != null && asked.isAfter(today)) {
            throw new InvalidInputException(
                    "day " + asked + " has not begun: it is " + today + " in " + zone + " (segdiff.time-zone)");
        }
        if (asked != null && asked.isBefore(FIRST)) {
            throw new InvalidInputException("day " + asked + " is too early, expected " + FIRST + " to " + today);
        }
        return asked == null ? today : asked;
    }
}
