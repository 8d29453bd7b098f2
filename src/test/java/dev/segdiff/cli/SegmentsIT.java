package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Segments, as they are kept by hand. */
class SegmentsIT extends CommandFixture {
    @Test
    void segmentIsRegisteredRunReadAndRemoved() {
        assertThat(expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"))
                        .out())
                .contains("segment 7/1 added");
        assertThat(expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"))
                        .out())
                .contains("was registered before");
        expect(0, segdiff.run("run", "--day", "2026-03-01"));
        db.execute("delete from audience where contact_id = 1", "insert into audience values (6)");
        JsonNode runs = expect(0, segdiff.run("run", "segment-diff", "--day", "2026-03-02", "--json"))
                .json();
        assertThat(runs.get(0).get("outcome").asText()).isEqualTo("SUCCEEDED");
        assertThat(runs.get(0).get("counts").get("added").asInt()).isEqualTo(1);

        JsonNode shown =
                expect(0, segdiff.run("segments", "show", "7", "1", "--json")).json();
        long first = shown.get("versions").get(1).get("version").asLong();
        assertThat(shown.get("segment").get("contacts").asInt()).isEqualTo(5);

        assertThat(expect(0, segdiff.run("segments", "changes", "7", "1", "--since", "" + first, "--format", "csv"))
                        .out()
                        .lines())
                .containsExactlyInAnyOrder("contact_id,change", "1,removed", "6,added");
        JsonNode changes = expect(0, segdiff.run("segments", "changes", "7", "1", "--format", "json"))
                .json();
        assertThat(changes.get("complete").asBoolean()).isTrue();
        assertThat(changes.get("changes")).hasSize(5);
        assertThat(expect(0, segdiff.run("segments", "changes", "7", "1")).out())
                .contains("+ 6", "5 added, 0 removed");

        assertThat(expect(0, segdiff.run("segments", "use", "7", "1")).out()).contains("is at version");
        assertThat(expect(0, segdiff.run("segments", "list")).out()).contains("public.audience");
        assertThat(expect(0, segdiff.run("runs")).out()).contains("segment-diff", "2026-03-02", "SUCCEEDED");
        assertThat(expect(0, segdiff.run("status")).out()).contains("goal not met: 1 of 1 segments due");
        assertThat(expect(0, segdiff.run("segments", "remove", "7", "1")).out()).contains("removed");
        assertThat(expect(0, segdiff.run("segments", "list")).out()).contains("No segments");
        assertThat(db.rows("select relnamespace::regnamespace from pg_class where relname ~ '^segment_7_'"))
                .containsExactly("segdiff_trash");
    }

    @Test
    void uploadIsStreamedFromStandardInput() {
        expect(0, segdiff.run("segments", "add", "7", "2", "--upload"));

        String lines =
                IntStream.rangeClosed(1, 2000).mapToObj(Integer::toString).collect(Collectors.joining("\n"));
        assertThat(expect(0, segdiff.runWithInput(lines, "segments", "load", "7", "2"))
                        .out())
                .contains("2000 contacts");
        assertThat(expect(2, segdiff.runWithInput("1\n2\nthree\n", "segments", "load", "7", "2", "-"))
                        .err())
                .contains("line 3", "'three'");
        assertThat(expect(3, segdiff.runWithInput("1\n", "segments", "load", "7", "2"))
                        .out())
                .contains("held back, 1999 of 2000");
        assertThat(expect(0, segdiff.runWithInput("contact_id,x\n1,a\n", "segments", "load", "7", "2", "--accept"))
                        .out())
                .contains("1 contacts, +0 -1999");
        assertThat(expect(2, segdiff.run("segments", "load", "7", "2", "no-such-file"))
                        .err())
                .contains("file no-such-file does not exist");
    }

    @Test
    void heldBackVersionExitsWithThreeAndFaultySourceWithOne() {
        expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"));
        segdiff.with("SEGDIFF_SEGMENTS_MAX_REMOVED_FLOOR", "0");
        expect(0, segdiff.run("run", "--day", "2026-03-01"));
        db.execute("truncate audience");

        assertThat(expect(3, segdiff.run("run", "--day", "2026-03-02")).out()).contains("7/1", "5 of 5");
        expect(0, segdiff.run("run", "--day", "2026-03-02", "--accept", "7/1"));

        db.execute("drop table audience");
        assertThat(expect(1, segdiff.run("run", "--day", "2026-03-03")).out())
                .contains("source public.audience does not exist");
    }

    @Test
    void unusedSegmentGoesToTheTrashAndComesBack() {
        expect(0, segdiff.run("segments", "add", "7", "42", "--source", "audience"));
        expect(0, segdiff.run("run", "segment-diff"));
        db.execute("update segdiff.segments set last_used_at = now() - interval '35 days' where customer_id = 7");

        assertThat(expect(0, segdiff.run("run", "snapshot-cleanup")).out()).contains("trashed=1");
        assertThat(expect(2, segdiff.run("segments", "show", "7", "42")).err()).contains("not registered");
        assertThat(expect(0, segdiff.run("segments", "list", "--trash")).out()).contains("7/42");
        assertThat(expect(0, segdiff.run("segments", "list", "--trash", "--json"))
                        .json()
                        .at("/0/table/schema")
                        .asText())
                .isEqualTo("segdiff_trash");
        assertThat(expect(0, segdiff.run("segments", "restore", "7", "42")).out())
                .contains("segment 7/42 is back");
        assertThat(expect(0, segdiff.run("segments", "changes", "7", "42", "--format", "csv"))
                        .out())
                .contains("5");
    }
}
