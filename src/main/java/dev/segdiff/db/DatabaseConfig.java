package dev.segdiff.db;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How segdiff behaves towards the database. */
@ConfigMapping(prefix = "segdiff")
public interface DatabaseConfig {
    /** Whether a command brings the schema up to date before it starts. */
    @WithConverter(ConfigConverters.Switch.class)
    @WithDefault("true")
    boolean migrateAtStart();

    /** The longest wait for a lock; while we wait, whoever comes after us waits too. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("500ms")
    Duration lockTimeout();

    /** The longest statement on segdiff's own tables; reading a source has its own bound. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("30s")
    Duration statementTimeout();

    /**
     * Leads past a pooler, for statements that want a session of their own; the user is the same. Default: the way of all
     * others.
     */
    @WithDefault("")
    Optional<String> directJdbcUrl();
}
