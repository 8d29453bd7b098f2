package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The program on a database with a source of five contacts. */
abstract class CommandFixture {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    Segdiff segdiff;

    @BeforeEach
    void build() {
        segdiff = new Segdiff(directory).on(db);
        db.execute("create table audience (contact_id bigint)", "insert into audience select generate_series(1, 5)");
    }

    static Ended expect(int exitCode, Ended ended) {
        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(exitCode);
        return ended;
    }

    Segdiff withPolicy() {
        db.execute(
                "create table event (id int primary key, created_at timestamptz not null)",
                "create index on event (created_at)",
                "insert into event select g, now() - g * interval '1 day' from generate_series(1, 200) g");
        return segdiff.withPolicy("AUDIT", "public.event", "90d");
    }
}
