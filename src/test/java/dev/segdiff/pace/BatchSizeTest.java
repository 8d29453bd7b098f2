package dev.segdiff.pace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BatchSizeTest {
    private final BatchSize size = new BatchSize(1000, 100, 5000, Duration.ofMillis(250));

    @Test
    void growsToWhatFitsTheTarget() {
        size.adapt(Duration.ofMillis(200));

        assertThat(size.get()).isEqualTo(1250);
    }

    @Test
    void neverMoreThanDoublesOrHalvesAtOnce() {
        size.adapt(Duration.ofMillis(1));
        assertThat(size.get()).isEqualTo(2000);

        size.adapt(Duration.ofSeconds(100));
        assertThat(size.get()).isEqualTo(1000);
    }

    @Test
    void staysWithinItsLimits() {
        for (int i = 0; i < 10; i++) {
            size.adapt(Duration.ZERO);
        }
        assertThat(size.get()).isEqualTo(5000);

        for (int i = 0; i < 10; i++) {
            size.halve();
        }
        assertThat(size.get()).isEqualTo(100);
        assertThat(size.isLeast()).isTrue();
    }

    @Test
    void limitsThatCrossEachOtherMeanTheLower() {
        assertThat(new BatchSize(1000, 100, 20, Duration.ofMillis(250)).get()).isEqualTo(100);
    }
}
