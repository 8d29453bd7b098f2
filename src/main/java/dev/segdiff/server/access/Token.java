package dev.segdiff.server.access;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A token that gives access over HTTP. The secret itself is not kept, only its hash.
 *
 * @param name the name of the holder, which the ledger records
 * @param hash the SHA-256 of the secret
 * @param expires when the token expires; null: never
 */
public record Token(
        String name, Right right, byte[] hash, @Nullable Instant expires) {
    /** The smallest number of characters of a secret. A shorter secret can be guessed. */
    static final int MIN_LENGTH = 16;

    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    /** The rights of a token. The right to run includes the right to read. */
    public enum Right {
        READ,
        RUN;

        public static final String READ_ROLE = "read";
        public static final String RUN_ROLE = "run";

        Set<String> roles() {
            return this == RUN ? Set.of(READ_ROLE, RUN_ROLE) : Set.of(READ_ROLE);
        }
    }

    /** A token that never expires. */
    static Token of(String name, Right right, String secret) {
        return new Token(name, right, hash(secret), null);
    }

    /**
     * Reads a line of the tokens file: {@code anna run SECRET 2027-01-31}.
     *
     * @throws InvalidInputException if the line is wrong; the message says why, without the secret
     */
    static Token parse(String line) {
        String[] fields = line.strip().split("\\s+");
        if (fields.length < 3 || fields.length > 4) {
            throw new InvalidInputException(
                    "expected NAME read|run TOKEN [YYYY-MM-DD], got " + fields.length + " fields");
        } else if (!fields[0].matches(NAME)) {
            throw new InvalidInputException("expected a name of letters, digits, '.', '_' and '-' as first field");
        }
        if (fields[2].length() < MIN_LENGTH) {
            throw new InvalidInputException("the token has less than " + MIN_LENGTH + " characters");
        }
        return new Token(fields[0], right(fields[1]), hash(fields[2]), fields.length == 4 ? end(fields[3]) : null);
    }

    boolean matches(byte[] otherHash) {
        return MessageDigest.isEqual(hash, otherHash);
    }

    boolean isExpired(Instant now) {
        return expires != null && !now.isBefore(expires);
    }

    static byte[] hash(String secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Right right(String text) {
        return switch (text) {
            case "read" -> Right.READ;
            case "run" -> Right.RUN;
            default ->
                throw new InvalidInputException("expected read or run as second field, got " + Printable.quoted(text));
        };
    }

    private static Instant end(String text) {
        try {
            return LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
        } catch (DateTimeException e) {
            throw new InvalidInputException(
                    "expected a day such as 2027-01-31 as fourth field, got " + Printable.quoted(text));
        }
    }
}
