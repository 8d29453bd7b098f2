package dev.segdiff.db;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** The configuration of connections: migration at start, time limits of statements and locks, the way past a pooler. */
@ConfigMapping(prefix = "segdiff")
public interface DatabaseConfig {
    /**
     * Whether a command brings segdiff's schema up to date before it starts. Set it to false where a role without the
     * rights of the schema's owner runs segdiff, and run segdiff migrate as the owner.
     */
    @WithConverter(ConfigConverters.Switch.class)
    @WithDefault("true")
    boolean migrateAtStart();

    /**
     * The longest wait for a lock, from 1ms to 24d. It is short because sessions that ask for the same lock later queue
     * up behind segdiff, so they wait as long as segdiff does.
     */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("500ms")
    Duration lockTimeout();

    /**
     * The longest time of a statement on segdiff's own tables, from 1ms to 24d. Statements that read a source have
     * their own limit, {@code segdiff.segments.source-timeout}.
     */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("30s")
    Duration statementTimeout();

    /**
     * A JDBC URL that leads past a pooler to the same database. It is used for statements that need a session of their
     * own, such as rebuilds of indexes; the user is the same. Without this key these statements use
     * {@code quarkus.datasource.jdbc.url}.
     */
    @WithDefault("")
    Optional<String> directJdbcUrl();
}
