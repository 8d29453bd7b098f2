package dev.segdiff.segment;

/**
 * A part of a whole, between 0 and 1; written {@code 20%} or {@code 0.2}.
 *
 * @param value the part
 */
public record Share(double value) {
    public Share {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("expected a share from 0% to 100%, got " + value * 100 + "%");
        }
    }

    /** Found by the configuration by its name and parameter. */
    public static Share of(String text) {
        String number = text.strip();
        try {
            return number.endsWith("%")
                    ? new Share(Double.parseDouble(number.substring(0, number.length() - 1)) / 100)
                    : new Share(Double.parseDouble(number));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expected a share such as 20% or 0.2, got '" + text + "'", e);
        }
    }

    /** The largest whole number within this share of a total. */
    public long of(long total) {
        return (long) Math.floor(value * total);
    }
}
