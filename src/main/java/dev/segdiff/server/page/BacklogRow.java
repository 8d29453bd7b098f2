package dev.segdiff.server.page;

import dev.segdiff.run.Measure;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event policy on the page, with how many rows it still has to remove. */
record BacklogRow(
        String policy, boolean met, String overdue, String eligible, String expired, String arriving, String forecast) {
    /** One row for each policy in the measures of the goal. */
    static List<BacklogRow> of(List<Measure> measures) {
        Map<String, Map<String, Double>> policies = new LinkedHashMap<>();
        for (Measure measure : measures) {
            policies.computeIfAbsent(measure.labels().getOrDefault("policy", ""), policy -> new LinkedHashMap<>())
                    .put(measure.name(), measure.value());
        }
        return policies.entrySet().stream()
                .map(policy -> of(policy.getKey(), policy.getValue()))
                .toList();
    }

    private static BacklogRow of(String policy, Map<String, Double> measures) {
        boolean met = measures.getOrDefault("inside_retention", 0.0) > 0;
        return new BacklogRow(
                policy,
                met,
                overdue(measures.get("oldest_expired_row_overdue_seconds")),
                Phrases.number(measures.getOrDefault("eligible_rows", 0.0)),
                Phrases.number(measures.getOrDefault("expired_rows_per_day", 0.0)),
                Phrases.number(measures.getOrDefault("eligible_rows_per_day", 0.0)),
                met ? "inside its retention" : forecast(measures.get("seconds_left")));
    }

    private static String overdue(@Nullable Double seconds) {
        if (seconds == null) {
            return "unknown";
        }
        return seconds == 0 ? "nothing has expired" : Phrases.age(Duration.ofSeconds(seconds.longValue()));
    }

    private static String forecast(@Nullable Double seconds) {
        if (seconds == null) {
            return "never, at this rate";
        }
        double days = seconds / Duration.ofDays(1).toSeconds();
        return "in " + Phrases.number(days) + (days == 1 ? " day" : " days");
    }
}
