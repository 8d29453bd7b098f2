package dev.segdiff.server.access;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The configuration of access over HTTP: which tokens are accepted, how long a login lasts, how many requests are
 * allowed.
 */
@ConfigMapping(prefix = "segdiff.api")
public interface ApiConfig {
    /**
     * One API token with all rights, at least 16 characters long. The ledger names its holder "admin". Without this key
     * and without {@code segdiff.api.tokens-file} the API and the page refuse everybody, unless serve listens on
     * loopback only (the default): then everybody on this machine may do everything.
     */
    @WithDefault("")
    Optional<String> token();

    /**
     * The path of a file with API tokens, one line for each: name, rights (read or run), token (at least 16 characters)
     * and, if the token expires, the day on which it ends at midnight UTC. Example: anna run SECRET 2027-01-31. Empty
     * lines and lines that begin with # are skipped. The file is read again when it changes; a file with a mistake
     * leaves the former tokens valid.
     */
    @WithDefault("")
    Optional<Path> tokensFile();

    /** How long a login to the page lasts, from 1 s on. The login ends earlier if its token is removed or expires. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("8h")
    Duration session();

    /**
     * The number of requests per second that one client address may make permanently. After a quiet time the address
     * may make ten times as many at once. Requests beyond that get the status 429. Everything below /q/ (probes,
     * metrics, the OpenAPI document) is not counted.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("20")
    int requestsPerSecond();
}
