package dev.segdiff.run;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Finds the word that somebody probably meant, for messages such as "did you mean ...?". */
public final class Suggestion {
    private static final LevenshteinDistance DISTANCE = LevenshteinDistance.getDefaultInstance();

    private Suggestion() {}

    /** The candidate that was probably meant, as the end of a sentence; an empty text if no candidate is similar. */
    public static String didYouMean(String given, Collection<String> candidates) {
        return candidates.stream()
                .min(Comparator.comparingInt(candidate -> DISTANCE.apply(given, candidate)))
                .filter(nearest -> DISTANCE.apply(given, nearest) <= Math.max(2, given.length() / 2))
                .map(nearest -> ", did you mean " + nearest + "?")
                .orElse("");
    }
}
