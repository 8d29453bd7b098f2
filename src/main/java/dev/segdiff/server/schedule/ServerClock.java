package dev.segdiff.server.schedule;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;

/** The clock of schedules and sessions; whatever is compared with rows takes the database's. */
public final class ServerClock {
    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }
}
