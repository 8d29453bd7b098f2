package dev.segdiff.db;

import java.math.BigDecimal;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * A part of a whole.
 *
 * @param value between 0 and 1
 */
public record Share(double value) {
    public Share {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("expected a share from 0% to 100%");
        }
    }

    /** The largest whole number within this share of a total. */
    public long of(long total) {
        // In decimals: 29% of 100 is 29, which 0.29 * 100 is not.
        return BigDecimal.valueOf(value).multiply(BigDecimal.valueOf(total)).longValue();
    }

    /** For people, such as 20%. */
    public String percent() {
        return BigDecimal.valueOf(value).movePointRight(2).stripTrailingZeros().toPlainString() + "%";
    }

    /** Reads {@code 20%} or {@code 0.2}. */
    public static final class FromText implements Converter<Share> {
        private static final long serialVersionUID = 1;

        @Override
        public Share convert(String text) {
            String number = text.strip();
            boolean percent = number.endsWith("%");
            try {
                double value = Double.parseDouble(percent ? number.substring(0, number.length() - 1) : number);
                return new Share(percent ? value / 100 : value);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("expected a share such as 20% or 0.2", e);
            }
        }
    }
}
