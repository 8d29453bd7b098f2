package dev.segdiff.campaign;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How many faults there were of which kind, and how many hit an open run. */
final class Tally {
    private final Map<String, int[]> jobs = new TreeMap<>();
    private final Map<Fault, int[]> faults = new TreeMap<>();
    private final List<String> violations = new ArrayList<>();
    private final long seed;
    private int all;
    private int hits;

    Tally(long seed) {
        this.seed = seed;
    }

    void count(String job, Fault fault, boolean open) {
        for (int[] counts :
                new int[][] {jobs.computeIfAbsent(job, j -> new int[2]), faults.computeIfAbsent(fault, f -> new int[2])
                }) {
            counts[0]++;
            counts[1] += open ? 1 : 0;
        }
        all++;
        hits += open ? 1 : 0;
        save();
    }

    void violation(String text) {
        violations.add(text);
        save();
    }

    /** A campaign takes an hour; meanwhile, this tells how it stands. */
    private void save() {
        try {
            Files.writeString(
                    Path.of("target", "campaign.txt"), report() + "\n" + String.join("\n", violations) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<String> violations() {
        return violations;
    }

    int hits() {
        return hits;
    }

    String report() {
        StringBuilder text =
                new StringBuilder("campaign: seed %d, faults %d, of these in an open run %d, violations: %d"
                        .formatted(seed, all, hits, violations.size()));
        jobs.forEach((job, counts) -> text.append(line(job, counts)));
        faults.forEach((fault, counts) -> text.append(line(fault.name(), counts)));
        return text.toString();
    }

    private static String line(String what, int[] counts) {
        return "%n  %-20s %4d, in an open run %4d".formatted(what, counts[0], counts[1]);
    }
}
