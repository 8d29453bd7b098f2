package dev.segdiff.server.api;

import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import dev.segdiff.server.access.Token;
import dev.segdiff.server.live.JobBusyException;
import dev.segdiff.server.live.RunLookup;
import dev.segdiff.server.live.StopNow;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** The part of the API about runs: the ledger of all runs, including those of CronJobs and other replicas. */
@Path("/api/runs")
@Produces(MediaType.APPLICATION_JSON)
@RolesAllowed(Token.Right.READ_ROLE)
@SecurityRequirement(name = "token")
@Tag(name = "runs")
public class RunsResource {
    private static final int MAX_LIMIT = 100;

    private final RunLedger ledger;
    private final RunLookup lookup;
    private final StopNow stopNow;
    private final Jobs jobs;
    private final SecurityIdentity identity;

    RunsResource(RunLedger ledger, RunLookup lookup, StopNow stopNow, Jobs jobs, SecurityIdentity identity) {
        this.ledger = ledger;
        this.lookup = lookup;
        this.stopNow = stopNow;
        this.jobs = jobs;
        this.identity = identity;
    }

    /**
     * A page of the ledger, the newest runs first.
     *
     * @param next the path of the next page; null: this is the last page
     */
    @RegisterForReflection
    record Page(List<RunReport> runs, @Nullable String next) {}

    @GET
    @Operation(summary = "The newest runs first; the statements of dry runs are told by the run itself")
    public Page list(
            @QueryParam("job") @Nullable String job,
            @QueryParam("limit") @DefaultValue("20") @Parameter(schema = @Schema(implementation = Integer.class))
                    String limit,
            @QueryParam("before") @Parameter(schema = @Schema(implementation = Long.class)) @Nullable String before) {
        if (job != null) {
            jobs.named(job);
        }
        int size = (int) Parameters.wholeNumber("limit", limit, MAX_LIMIT);
        long older = before == null ? Long.MAX_VALUE : Parameters.wholeNumber("before", before, Long.MAX_VALUE);
        List<RunReport> runs = ledger.before(older, job, size + 1);
        String next = runs.size() <= size
                ? null
                : "/api/runs?limit=" + size + "&before=" + runs.get(size - 1).runId()
                        + (job == null ? "" : "&job=" + job);
        return new Page(
                runs.stream().limit(size).map(RunReport::withoutStatements).toList(), next);
    }

    @GET
    @Path("/{run}")
    @Operation(summary = "A run; while it lives, with what it has counted so far")
    public RunReport show(@PathParam("run") @Parameter(schema = @Schema(implementation = Long.class)) String run) {
        return lookup.find(Parameters.run(run));
    }

    @DELETE
    @Path("/{run}")
    @RolesAllowed(Token.Right.RUN_ROLE)
    @Operation(summary = "Asks a run to stop, wherever it runs; it ends within a statement, interrupted")
    @APIResponse(responseCode = "202", description = "It was asked; another process hears it within seconds")
    @APIResponse(responseCode = "409", description = "It has ended")
    public Response stop(@PathParam("run") @Parameter(schema = @Schema(implementation = Long.class)) String run) {
        long runId = Parameters.run(run);
        RunReport report = lookup.find(runId);
        if (!stopNow.stop(runId, identity.getPrincipal().getName())) {
            throw new JobBusyException("run " + runId + " has ended: " + report.state());
        }
        return Response.accepted(lookup.find(runId)).build();
    }
}
