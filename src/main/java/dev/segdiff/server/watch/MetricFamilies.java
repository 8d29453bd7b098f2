package dev.segdiff.server.watch;

import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects samples by the name of their metric, in the order in which the metrics were first added. */
final class MetricFamilies {
    private static final String PREFIX = "segdiff_";

    private final Map<String, MetricFamilySamples> byName = new LinkedHashMap<>();

    void gauge(String name, String help, Map<String, String> labels, double value) {
        add(PREFIX + name, PREFIX + name, Collector.Type.GAUGE, help, labels, value);
    }

    void counter(String name, String help, Map<String, String> labels, double value) {
        add(PREFIX + name, PREFIX + name + "_total", Collector.Type.COUNTER, help, labels, value);
    }

    List<MetricFamilySamples> all() {
        return List.copyOf(byName.values());
    }

    private void add(
            String family, String name, Collector.Type type, String help, Map<String, String> labels, double value) {
        List<String> names = labels.keySet().stream().sorted().toList();
        List<String> values = names.stream().map(labels::get).toList();
        byName.computeIfAbsent(family, key -> new MetricFamilySamples(key, type, help, new ArrayList<>()))
                .samples
                .add(new Sample(name, names, values, value));
    }
}
