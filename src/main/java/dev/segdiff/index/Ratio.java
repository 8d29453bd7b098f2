package dev.segdiff.index;

import org.eclipse.microprofile.config.spi.Converter;

/** One number divided by another, such as the pages of an index by those of a fresh one. */
public record Ratio(double value) {
    /** Reads a factor from 1.1 on, such as {@code 1.5}. */
    public static final class FromText implements Converter<Ratio> {
        private static final long serialVersionUID = 1;

        @Override
        public Ratio convert(String text) {
            // A fresh index has 1.0, with the error of an estimate.
            if (!text.matches("\\d{1,4}(\\.\\d{1,4})?") || Double.parseDouble(text) < 1.1) {
                throw new IllegalArgumentException("expected a factor from 1.1 on, such as 1.5");
            }
            return new Ratio(Double.parseDouble(text));
        }
    }
}
