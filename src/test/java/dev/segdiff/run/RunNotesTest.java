package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RunNotesTest {
    private final RunNotes notes = new RunNotes();

    @Test
    void problemsBeyondFiftyAreCountedAndWaitsStillTold() {
        for (int i = 1; i <= 60; i++) {
            notes.problem("problem " + i);
        }
        notes.throttled(new WaitReason(WaitCause.REPLICATION_LAG, "a standby is late"), Duration.ofSeconds(7));

        assertThat(notes.problems())
                .hasSize(52)
                .endsWith("problem 50", "and 10 more problems", "waited 7 s: a standby is late");
    }

    @Test
    void statementIsNotedOnce() {
        notes.statement("drop table a ");
        notes.statement("drop table a");

        assertThat(notes.statements()).containsExactly("drop table a");
    }
}
