package dev.segdiff.server;

import dev.segdiff.server.cache.DatabaseState;
import dev.segdiff.server.live.LiveRuns;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * The answers to probes about this process. Only readiness looks at the database, because restarting a pod does not
 * bring a database back.
 */
final class ProcessChecks {
    private ProcessChecks() {}

    /** Liveness: the process is alive if it answers at all. */
    @Liveness
    @ApplicationScoped
    static class Live implements HealthCheck {
        @Override
        public HealthCheckResponse call() {
            return HealthCheckResponse.up("process");
        }
    }

    /** Startup: the configuration was read, the schedules run, and HTTP is open. */
    @Startup
    @ApplicationScoped
    static class Started implements HealthCheck {
        private final Serving serving;

        Started(Serving serving) {
            this.serving = serving;
        }

        @Override
        public HealthCheckResponse call() {
            return HealthCheckResponse.named("started")
                    .status(serving.isStarted())
                    .build();
        }
    }

    /** Readiness: this process can serve requests. */
    @Readiness
    @ApplicationScoped
    static class Ready implements HealthCheck {
        private final LiveRuns runs;
        private final DatabaseState database;

        Ready(LiveRuns runs, DatabaseState database) {
            this.runs = runs;
            this.database = database;
        }

        @Override
        public HealthCheckResponse call() {
            return runs.isStopping()
                    ? HealthCheckResponse.named("database")
                            .down()
                            .withData("reason", "this process is stopping")
                            .build()
                    : database.fault()
                            .map(fault -> HealthCheckResponse.named("database")
                                    .down()
                                    .withData("reason", fault)
                                    .build())
                            .orElseGet(() -> HealthCheckResponse.up("database"));
        }
    }
}
