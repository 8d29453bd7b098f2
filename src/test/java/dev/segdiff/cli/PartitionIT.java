package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff.Ended;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The plan of a move to partitions, as people and programs read it. */
class PartitionIT extends CommandFixture {
    @BeforeEach
    void table() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null)",
                "insert into event select i, now() - i * interval '1 day' from generate_series(1, 100) i",
                "analyze event");
        db.giveToWorker("event");
        db.execute("grant create on database %s to segdiff_worker".formatted(db.name()));
    }

    @Test
    void refusedPlanExitsWithThreeAndItsReasons() {
        Ended plan = expect(3, segdiff.run("partition", "plan", "event", "--by", "range(created_at) month"));

        assertThat(plan.out()).contains("primary key", "--registry id", "reasons: 1");
    }

    @Test
    void planThatCanBeFollowedExitsWithZero() {
        Ended plan = expect(0, segdiff.run("partition", "plan", "event", "--by", "range(id) 10", "--json"));

        assertThat(plan.out()).contains("\"refused\":false", "\"treatment\":\"CARRIED\"", "\"partitions\":13");
    }

    @Test
    void schemeThatCannotBeReadExitsWithTwo() {
        assertThat(expect(2, segdiff.run("partition", "plan", "event", "--by", "month"))
                        .err())
                .contains("expected 'range(created_at) month'");
        assertThat(expect(2, segdiff.run("partition", "plan", "nothing", "--by", "hash(id) 8"))
                        .err())
                .contains("table public.nothing does not exist");
    }
}
