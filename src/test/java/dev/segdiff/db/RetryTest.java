package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryTest {
    private static final Retry QUICK = new Retry(3, Duration.ofMillis(2));

    private final AtomicInteger attempts = new AtomicInteger();

    private int failing(int times, String sqlState) {
        return QUICK.run(new Cancellation(), DatabaseException::isTransient, () -> {
            if (attempts.incrementAndGet() <= times) {
                throw new DatabaseException(new SQLException("no", sqlState));
            }
            return attempts.get();
        });
    }

    @ParameterizedTest
    @CsvSource({"55P03", "40001", "40P01", "08006", "57P01"})
    void triesAgainAfterTransientFailures(String sqlState) {
        assertThat(failing(2, sqlState)).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"42P01", "23505", "57014", "53100", "''"})
    void neverRetriesAnythingElse(String sqlState) {
        assertThatThrownBy(() -> failing(1, sqlState)).isInstanceOf(DatabaseException.class);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void givesUpWithTheLastFailure() {
        assertThatThrownBy(() -> failing(9, "40001")).isInstanceOf(DatabaseException.class);
        assertThat(attempts).hasValue(3);
    }

    @Test
    void waitingEndsWithTheRun() {
        Cancellation cancellation = new Cancellation();
        cancellation.request("SIGTERM");

        assertThatThrownBy(() -> new Retry(5, Duration.ofHours(1))
                        .run(cancellation, DatabaseException::isTransient, () -> {
                            throw new DatabaseException(new SQLException("no", "40001"));
                        }))
                .isInstanceOf(CancelledException.class)
                .hasMessage("SIGTERM");
    }
}
