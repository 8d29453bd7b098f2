package dev.segdiff.db;

import java.math.BigDecimal;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * A share of a total, such as 20 %.
 *
 * @param value the share as a number from 0 to 1
 */
public record Share(double value) {
    public Share {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("expected a share from 0% to 100%");
        }
    }

    /** The largest whole number within this share of a total. */
    public long of(long total) {
        // Computed in decimals: 29% of 100 is 29, but 0.29 * 100 in binary is less than 29.
        return BigDecimal.valueOf(value).multiply(BigDecimal.valueOf(total)).longValue();
    }

    /** The share as people read it, such as 20%. */
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
