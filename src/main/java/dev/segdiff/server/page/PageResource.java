package dev.segdiff.server.page;

import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunReport;
import dev.segdiff.server.access.HttpGate;
import dev.segdiff.server.access.Token;
import dev.segdiff.server.access.TokenMechanism;
import dev.segdiff.server.api.Parameters;
import dev.segdiff.server.live.RunLookup;
import dev.segdiff.server.live.RunNow;
import dev.segdiff.server.live.StopNow;
import dev.segdiff.server.page.PageTemplates.RunView;
import dev.segdiff.server.page.PageView.Viewer;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.CookieParam;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jspecify.annotations.Nullable;

/** The page for people. It needs the same rights as the API, which a person gets by a login. */
@Path("/")
@Produces(MediaType.TEXT_HTML)
@Consumes(MediaType.APPLICATION_FORM_URLENCODED)
public class PageResource {
    private final PageViews views;
    private final RunLookup lookup;
    private final RunNow runNow;
    private final StopNow stopNow;
    private final PageUser user;
    private final RoutingContext context;

    PageResource(
            PageViews views, RunLookup lookup, RunNow runNow, StopNow stopNow, PageUser user, RoutingContext context) {
        this.views = views;
        this.lookup = lookup;
        this.runNow = runNow;
        this.stopNow = stopNow;
        this.user = user;
        this.context = context;
    }

    @GET
    @Operation(hidden = true)
    public Response page(@CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        return user.viewer(cookie)
                .map(viewer -> Response.ok(
                                PageTemplates.page(views.read(viewer)).render())
                        .build())
                .orElseGet(PageResource::toLogin);
    }

    @GET
    @Path("/runs/{run}")
    @Operation(hidden = true)
    public Response run(
            @PathParam("run") String run, @CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        return user.viewer(cookie)
                .map(viewer -> Response.ok(PageTemplates.run(view(viewer, lookup.find(Parameters.run(run))))
                                .render())
                        .build())
                .orElseGet(PageResource::toLogin);
    }

    @POST
    @Path("/jobs/{job}/runs")
    @Operation(hidden = true)
    public Response start(
            @PathParam("job") String name,
            @FormParam("key") @DefaultValue("") String key,
            @FormParam("dry_run") @Nullable String dryRun,
            @CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        Token token = user.mustRun(cookie, key);
        RunContext run = runNow.start(
                name,
                dryRun == null ? RunNow.RunOptions.PLAIN : RunNow.RunOptions.DRY,
                token.name(),
                HttpGate.requestId(context));
        return Redirects.to(dryRun == null ? Redirects.HOME : "/runs/" + run.runId())
                .build();
    }

    @POST
    @Path("/runs/{run}/stop")
    @Operation(hidden = true)
    public Response stop(
            @PathParam("run") String run,
            @FormParam("key") @DefaultValue("") String key,
            @CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        Token token = user.mustRun(cookie, key);
        stopNow.stop(lookup.find(Parameters.run(run)).runId(), token.name());
        return Redirects.to(Redirects.HOME).build();
    }

    private static Response toLogin() {
        return Redirects.to(Redirects.LOGIN).build();
    }

    private RunView view(Viewer viewer, RunReport run) {
        return new RunView(
                viewer,
                run,
                Phrases.time(run.startedAt().toInstant()),
                run.duration() == null ? "" : run.duration().toMillis() / 1000.0 + " s",
                run.counts().isEmpty() ? "nothing" : Phrases.counts(run.counts()),
                run.lives());
    }
}
