package dev.segdiff.server.api;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunContext;
import dev.segdiff.server.access.HttpGate;
import dev.segdiff.server.access.Token;
import dev.segdiff.server.cache.CachedStatuses;
import dev.segdiff.server.cache.DatabaseState;
import dev.segdiff.server.live.RunNow;
import dev.segdiff.server.schedule.Schedules;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.identity.SecurityIdentity;
import io.vertx.ext.web.RoutingContext;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** The part of the API about jobs: it shows their status, and starts runs. */
@Path("/api")
@Produces(MediaType.APPLICATION_JSON)
@RolesAllowed(Token.Right.READ_ROLE)
@SecurityRequirement(name = "token")
@Tag(name = "jobs")
public class JobsResource {
    private final Jobs jobs;
    private final CachedStatuses statuses;
    private final DatabaseState database;
    private final Schedules schedules;
    private final RunNow runNow;
    private final SecurityIdentity identity;
    private final RoutingContext context;

    JobsResource(
            Jobs jobs,
            CachedStatuses statuses,
            DatabaseState database,
            Schedules schedules,
            RunNow runNow,
            SecurityIdentity identity,
            RoutingContext context) {
        this.jobs = jobs;
        this.statuses = statuses;
        this.database = database;
        this.schedules = schedules;
        this.runNow = runNow;
        this.identity = identity;
        this.context = context;
    }

    /**
     * The status of a job, and the next planned time of its schedule in this process; null: it has no schedule here.
     */
    @RegisterForReflection
    record ScheduledStatus(
            @JsonUnwrapped JobStatus status, @Nullable Instant nextRun) {}

    /** The run that was started, and where to follow it. */
    @RegisterForReflection
    record StartedRun(long runId, String location) {}

    @GET
    @Path("/status")
    @Operation(summary = "How each job stands: its goal, its last success, its last run, its next run")
    public List<ScheduledStatus> status() {
        CachedStatuses.Begun begun = statuses.begin();
        database.fault().ifPresent(fault -> {
            throw new NoDatabaseException(fault);
        });
        return jobs.all().stream()
                .map(job ->
                        new ScheduledStatus(begun.of(job), schedules.next(job).orElse(null)))
                .toList();
    }

    @POST
    @Path("/jobs/{job}/runs")
    @Consumes(MediaType.APPLICATION_JSON)
    @RolesAllowed(Token.Right.RUN_ROLE)
    @Operation(summary = "Runs a job now, in the background")
    @APIResponse(responseCode = "202", description = "Started; the header Location tells where to follow it")
    @APIResponse(responseCode = "409", description = "It runs already, and the error tells where")
    public Response run(@PathParam("job") String name, @Nullable RunBody body) {
        RunContext run = runNow.start(
                name,
                body == null ? RunNow.RunOptions.PLAIN : body.options(),
                identity.getPrincipal().getName(),
                HttpGate.requestId(context));
        String location = "/api/runs/" + run.runId();
        return Response.accepted(new StartedRun(run.runId(), location))
                .location(URI.create(location))
                .build();
    }
}
