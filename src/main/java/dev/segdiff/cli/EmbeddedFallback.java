package dev.segdiff.cli;

import dev.segdiff.db.EmbeddedServer;
import io.smallrye.config.DotEnvConfigSourceProvider;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.graalvm.nativeimage.ImageInfo;
import org.jspecify.annotations.Nullable;

/** Uses the embedded PostgreSQL if no database is configured. */
public final class EmbeddedFallback implements AutoCloseable {
    private static final Path DIRECTORY = Path.of(".segdiff");
    private static final Path CONFIG_FILE = Path.of("config", "application.properties");

    private @Nullable EmbeddedServer server;

    /** Starts or joins the embedded server, and sets the configuration to it, unless the key names a database. */
    public synchronized void openUnlessSet(String key) {
        if (isSet(key)) {
            return;
        }
        // This is known while the native executable is built, so nothing of the embedded server gets into it.
        if (ImageInfo.inImageCode()) {
            Errors.print(
                    new PrintWriter(System.err, true),
                    "no database: set QUARKUS_DATASOURCE_JDBC_URL=jdbc:postgresql://HOST:5432/DATABASE,"
                            + " QUARKUS_DATASOURCE_USERNAME and QUARKUS_DATASOURCE_PASSWORD"
                            + " (the jar brings a PostgreSQL of its own, the executable does not)");
            System.exit(2);
        }
        EmbeddedServer opened = EmbeddedServer.open(DIRECTORY);
        server = opened;
        System.err.printf(
                "segdiff: no database is set, %s the embedded PostgreSQL in %s: %s%n",
                opened.started() ? "started" : "joined", DIRECTORY.toAbsolutePath(), opened.jdbcUrl());
        System.setProperty(key, opened.jdbcUrl());
        System.setProperty("quarkus.datasource.username", opened.username());
        System.setProperty("quarkus.datasource.password", opened.password());
    }

    /**
     * Whether the key is configured. Quarkus' configuration does not exist yet, so this method looks at the places from
     * which Quarkus will read.
     */
    private static boolean isSet(String key) {
        try {
            SmallRyeConfigBuilder places =
                    new SmallRyeConfigBuilder().addSystemSources().withSources(new DotEnvConfigSourceProvider());
            if (Files.exists(CONFIG_FILE)) {
                places.withSources(
                        new PropertiesConfigSource(CONFIG_FILE.toUri().toURL()));
            }
            return places.build().getOptionalValue(key, String.class).isPresent();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Leaves the embedded server. A signal may call this while the server starts; then the server is stopped as soon as
     * it has started.
     */
    @Override
    public synchronized void close() {
        if (server != null) {
            server.close();
            server = null;
        }
    }
}
