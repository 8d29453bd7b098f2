package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OutcomeTest {
    @Test
    void exitCodesAreWhatSchedulersRelyOn() {
        Map.of(
                        Outcome.SUCCEEDED, 0,
                        Outcome.SKIPPED, 0,
                        Outcome.FAILED, 1,
                        Outcome.REFUSED, 3,
                        Outcome.INTERRUPTED, 75)
                .forEach((outcome, code) -> assertThat(outcome.exitCode()).isEqualTo(code));
    }

    @Test
    void worstOutcomeDecidesForSeveralJobs() {
        assertThat(Outcome.worst(List.of(Outcome.SUCCEEDED, Outcome.REFUSED, Outcome.INTERRUPTED)))
                .isEqualTo(Outcome.REFUSED);
        assertThat(Outcome.worst(List.of(Outcome.REFUSED, Outcome.FAILED))).isEqualTo(Outcome.FAILED);
        assertThat(Outcome.worst(List.of())).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void suggestionNamesTheNearest() {
        assertThat(Suggestion.didYouMean("segment-dif", List.of("segment-diff", "event-expiry")))
                .isEqualTo(", did you mean segment-diff?");
        assertThat(Suggestion.didYouMean("zzz", List.of("segment-diff"))).isEmpty();
    }
}
