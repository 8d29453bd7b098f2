package dev.segdiff.run;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** "did you mean ...?" */
public final class Suggestion {
    private static final LevenshteinDistance DISTANCE = LevenshteinDistance.getDefaultInstance();

    private Suggestion() {}

    /** The candidate that was probably meant, as the end of a sentence; empty when none is near. */
    public static String didYouMean(String given, Collection<String> candidates) {
        return candidates.stream()
                .min(Comparator.comparingInt(candidate -> DISTANCE.apply(given, candidate)))
                .filter(nearest -> DISTANCE.apply(given, nearest) <= Math.max(2, given.length() / 2))
                .map(nearest -> ", did you mean " + nearest + "?")
                .orElse("");
    }
}
