package dev.segdiff.server.access;

import dev.segdiff.db.InvalidInputException;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/** All valid tokens: the one of the configuration, and those that are in the tokens file now. */
@ApplicationScoped
public class Tokens {
    private static final Logger LOG = Logger.getLogger(Tokens.class);

    /**
     * The name under which requests are recorded if no token is configured, so that requests can come from this machine
     * only.
     */
    static final String LOCAL = "local";

    /** The name of the token in segdiff.api.token. */
    private static final String ADMIN = "admin";

    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

    private final ApiConfig config;
    private final Clock clock;
    private final boolean loopback;
    private final Token local =
            Token.of(LOCAL, Token.Right.RUN, UUID.randomUUID().toString());
    private volatile List<Token> tokens = List.of();
    private volatile Optional<TokensFile.Version> version = Optional.empty();
    private volatile Instant lookedAt = Instant.EPOCH;
    private String told = "";

    public Tokens(ApiConfig config, Clock clock, @ConfigProperty(name = "quarkus.http.host") String host) {
        this.config = config;
        this.clock = clock;
        this.loopback = LocalAddress.isLoopback(host);
    }

    /**
     * Reads the tokens.
     *
     * @throws InvalidInputException if a token is wrong, or the file cannot be read
     */
    public void load() {
        version = config.tokensFile().map(TokensFile::version);
        tokens = read();
        lookedAt = clock.instant();
    }

    /**
     * The token under which all requests come if no token is configured. Its secret is random, and lives as long as the
     * process.
     */
    public Token local() {
        return local;
    }

    /**
     * Whether everybody who can reach this process may do everything: no token is configured, and only this machine can
     * reach it.
     */
    public boolean isOpen() {
        return loopback && config.token().isEmpty() && config.tokensFile().isEmpty();
    }

    /**
     * The token with this secret; empty if there is none or it has expired. Every token is compared, in constant time,
     * so that the time of an answer does not help to guess a secret.
     */
    public Optional<Token> match(String secret) {
        byte[] hash = Token.hash(secret);
        Token match = null;
        for (Token token : current()) {
            if (token.matches(hash)) {
                match = token;
            }
        }
        return Optional.ofNullable(match).filter(token -> !token.isExpired(clock.instant()));
    }

    Optional<Token> named(String name) {
        return current().stream()
                .filter(token -> token.name().equals(name) && !token.isExpired(clock.instant()))
                .findFirst();
    }

    /** One line for the log that says which tokens there are. */
    public String describe() {
        if (isOpen()) {
            return "no token is configured: whoever is on this machine may do everything";
        }
        return tokens.isEmpty()
                ? "no token is configured (segdiff.api.token, segdiff.api.tokens-file):"
                        + " the API and the page refuse everybody"
                : "tokens: " + tokens.stream().map(Token::name).toList();
    }

    /**
     * The present tokens, after a look whether the file has changed. If the new file has a mistake, the former tokens
     * stay valid, so that a typing mistake does not lock everybody out.
     */
    private List<Token> current() {
        Instant now = clock.instant();
        if (config.tokensFile().isPresent() && lookedAt.plus(LOOK_AGAIN).isBefore(now)) {
            lookedAt = now;
            reload(config.tokensFile().get());
        }
        return tokens;
    }

    private synchronized void reload(Path file) {
        try {
            Optional<TokensFile.Version> present = Optional.of(TokensFile.version(file));
            if (!present.equals(version)) {
                tokens = read();
                version = present;
                told = "";
                LOG.infof(
                        "tokens file changed, tokens: %s",
                        tokens.stream().map(Token::name).toList());
            }
        } catch (InvalidInputException e) {
            String text = String.valueOf(e.getMessage());
            if (!text.equals(told)) {
                LOG.errorf("tokens stay as they were: %s", text);
            }
            told = text;
        }
    }

    private List<Token> read() {
        List<Token> all = new ArrayList<>();
        config.token().ifPresent(secret -> {
            if (secret.length() < Token.MIN_LENGTH) {
                throw new InvalidInputException("segdiff.api.token has less than " + Token.MIN_LENGTH
                        + " characters: make one with `openssl rand -hex 24`");
            }
            all.add(Token.of(ADMIN, Token.Right.RUN, secret));
        });
        config.tokensFile().ifPresent(file -> all.addAll(TokensFile.read(file)));
        Set<String> names = new HashSet<>();
        for (Token token : all) {
            if (!names.add(token.name())) {
                throw new InvalidInputException("segdiff.api.tokens-file: the name " + token.name() + " comes twice");
            }
        }
        return List.copyOf(all);
    }
}
