package dev.segdiff.server.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    private static final long SECOND = 1_000_000_000L;

    private final AtomicLong now = new AtomicLong();
    private final RateLimit limit = new RateLimit(2, 3, now::get);

    private int allowed(String key, int requests) {
        int allowed = 0;
        for (int i = 0; i < requests; i++) {
            allowed += limit.allows(key) ? 1 : 0;
        }
        return allowed;
    }

    @Test
    void burstIsAllowedAndThenTheRate() {
        assertThat(allowed("a", 10)).isEqualTo(3);
        now.addAndGet(SECOND);
        assertThat(allowed("a", 10)).isEqualTo(2);
        now.addAndGet(SECOND / 2);
        assertThat(allowed("a", 10)).isEqualTo(1);
    }

    @Test
    void quietTimeGivesNoMoreThanTheBurst() {
        now.addAndGet(3600 * SECOND);
        assertThat(allowed("a", 10)).isEqualTo(3);
    }

    @Test
    void oneKeyDoesNotUseUpAnother() {
        allowed("a", 10);
        assertThat(allowed("b", 1)).isEqualTo(1);
    }
}
