package dev.segdiff.cli;

import dev.segdiff.db.EmbeddedServer;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.eclipse.microprofile.config.ConfigProvider;
import org.graalvm.nativeimage.ImageInfo;
import org.jspecify.annotations.Nullable;

/** The embedded PostgreSQL, when no database was named. */
public final class EmbeddedFallback implements AutoCloseable {
    private static final Path DIRECTORY = Path.of(".segdiff");

    private final @Nullable EmbeddedServer server;

    private EmbeddedFallback(@Nullable EmbeddedServer server) {
        this.server = server;
    }

    /** Starts or joins the embedded server, and points the configuration to it, unless the key names a database. */
    public static EmbeddedFallback where(String key) {
        if (ConfigProvider.getConfig().getOptionalValue(key, String.class).isPresent()) {
            return new EmbeddedFallback(null);
        }
        // Known while the executable is built, so that nothing of the embedded server gets into it.
        if (ImageInfo.inImageCode()) {
            Errors.print(
                    new PrintWriter(System.err, true),
                    "no database: set QUARKUS_DATASOURCE_JDBC_URL=jdbc:postgresql://HOST:5432/DATABASE,"
                            + " QUARKUS_DATASOURCE_USERNAME and QUARKUS_DATASOURCE_PASSWORD"
                            + " (the jar brings a PostgreSQL of its own, the executable does not)");
            System.exit(2);
        }
        EmbeddedServer server = EmbeddedServer.open(DIRECTORY);
        System.err.printf(
                "segdiff: no database is set, %s the embedded PostgreSQL in %s: %s%n",
                server.started() ? "started" : "joined", DIRECTORY.toAbsolutePath(), server.jdbcUrl());
        System.setProperty(key, server.jdbcUrl());
        System.setProperty("quarkus.datasource.username", server.username());
        return new EmbeddedFallback(server);
    }

    @Override
    public void close() {
        if (server != null) {
            server.close();
        }
    }
}
