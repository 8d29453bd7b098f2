package dev.segdiff.cli;

import io.smallrye.config.ConfigValidationException;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with the configuration, a line for each key. */
final class ConfigErrors {
    private ConfigErrors() {}

    static List<String> lines(ConfigValidationException invalid) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < invalid.getProblemCount(); i++) {
            lines.add("configuration: " + invalid.getProblem(i).getMessage());
        }
        return lines;
    }
}
