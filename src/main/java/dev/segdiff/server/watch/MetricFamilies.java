package dev.segdiff.server.watch;

import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Collects samples by the name of their metric, in the order in which the metrics were first added. */
final class MetricFamilies {
    private static final String PREFIX = "segdiff_";

    private final Map<String, MetricFamilySamples> byName = new LinkedHashMap<>();

    void gauge(String name, String help, Map<String, String> labels, double value) {
        add(family(PREFIX + name, Collector.Type.GAUGE, help), PREFIX + name, labels, value);
    }

    /** A gauge in seconds since 1970; no sample without a time. */
    void time(String name, String help, Map<String, String> labels, @Nullable OffsetDateTime time) {
        if (time != null) {
            gauge(name, help, labels, time.toInstant().toEpochMilli() / 1000.0);
        }
    }

    void counter(String name, String help, Map<String, String> labels, double value) {
        add(family(PREFIX + name, Collector.Type.COUNTER, help), PREFIX + name + "_total", labels, value);
    }

    List<MetricFamilySamples> all() {
        return List.copyOf(byName.values());
    }

    private MetricFamilySamples family(String name, Collector.Type type, String help) {
        return byName.computeIfAbsent(name, key -> new MetricFamilySamples(key, type, help, new ArrayList<>()));
    }

    private static void add(MetricFamilySamples family, String name, Map<String, String> labels, double value) {
        List<String> names = labels.keySet().stream().sorted().toList();
        List<String> values = names.stream().map(labels::get).toList();
        family.samples.add(new Sample(name, names, values, value));
    }
}
