package dev.segdiff.server;

import dev.segdiff.server.cache.DatabaseState;
import dev.segdiff.server.live.LiveRuns;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/** What probes ask about this process. Only readiness knows the database: to restart a pod does not bring one back. */
final class ProcessChecks {
    private ProcessChecks() {}

    /** That this is answered at all is the point. */
    @Liveness
    @ApplicationScoped
    static class Live implements HealthCheck {
        @Override
        public HealthCheckResponse call() {
            return HealthCheckResponse.up("process");
        }
    }

    /** The configuration was read, and schedules and doors are open. */
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

    /** Requests can be served here. */
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
