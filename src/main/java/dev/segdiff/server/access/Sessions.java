package dev.segdiff.server.access;

import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The logins to the page. A login is only in the browser's cookie, which holds the name of the token, the end of the
 * login and a random part, signed with the token's hash. So a login is valid on every replica, and ends when its token
 * ends.
 */
@ApplicationScoped
public class Sessions {
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final Tokens tokens;
    private final ApiConfig config;
    private final Clock clock;

    /** The field is not static, because a native executable would then contain a fixed seed from its build. */
    private final SecureRandom random = new SecureRandom();

    public Sessions(Tokens tokens, ApiConfig config, Clock clock) {
        this.tokens = tokens;
        this.config = config;
        this.clock = clock;
    }

    /** The value of a new cookie. */
    public String open(Token token) {
        byte[] nonce = new byte[12];
        random.nextBytes(nonce);
        String content = encode(token.name()) + "."
                + clock.instant().plus(config.session()).getEpochSecond() + "."
                + HexFormat.of().formatHex(nonce);
        return content + "." + sign(token, "session", content);
    }

    /**
     * The token for which a cookie was made; empty if the cookie is not genuine, or if the login or the token has
     * ended.
     */
    public Optional<Token> verify(String cookie) {
        String[] parts = cookie.split("\\.", -1);
        if (parts.length != 4) {
            return Optional.empty();
        }
        return decode(parts[0])
                .flatMap(tokens::named)
                .filter(token -> isSame(sign(token, "session", content(parts)), parts[3]))
                .filter(token -> end(parts[1]).isAfter(clock.instant()));
    }

    /** The key that each form of this login carries. No page of another site can know it. */
    public String formKey(Token token, String cookie) {
        return sign(token, "form", cookie);
    }

    public boolean isFormKey(Token token, String cookie, String key) {
        return isSame(formKey(token, cookie), key);
    }

    private static String content(String[] parts) {
        return parts[0] + "." + parts[1] + "." + parts[2];
    }

    private static Instant end(String text) {
        try {
            return Instant.ofEpochSecond(Long.parseLong(text));
        } catch (NumberFormatException | DateTimeException e) {
            return Instant.MIN;
        }
    }

    private static String encode(String text) {
        return BASE64.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Optional<String> decode(String text) {
        try {
            return Optional.of(new String(Base64.getUrlDecoder().decode(text), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String sign(Token token, String purpose, String content) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(token.hash(), "HmacSHA256"));
            return BASE64.encodeToString(mac.doFinal((purpose + ":" + content).getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isSame(String expected, String given) {
        return MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }
}
