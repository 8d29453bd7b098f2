package dev.segdiff.server.access;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Who may ask over HTTP, and how much. */
@ConfigMapping(prefix = "segdiff.api")
public interface ApiConfig {
    /** One token with all rights. */
    @WithDefault("")
    Optional<String> token();

    /** A file of tokens, a line each: name, rights (read or run), token, and if it expires, when. */
    @WithDefault("")
    Optional<Path> tokensFile();

    /** How long a login to the page lasts. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("8h")
    Duration session();

    /** Requests a second that one address may make for long; ten times as many at once. Probes and metrics do not count. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("20")
    int requestsPerSecond();
}
