package dev.segdiff.server;

import dev.segdiff.run.Job;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunReport;
import dev.segdiff.server.PageTemplates.RunView;
import dev.segdiff.server.PageView.Viewer;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.identity.SecurityIdentity;
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
import jakarta.ws.rs.core.NewCookie;
import jakarta.ws.rs.core.NewCookie.SameSite;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jspecify.annotations.Nullable;

/** The page for people: it needs the same rights as the API, through a login. */
@Path("/")
@Produces(MediaType.TEXT_HTML)
@Consumes(MediaType.APPLICATION_FORM_URLENCODED)
public class PageResource {
    private static final String HOME = "/";
    private static final String LOGIN = "/login";

    private final PageViews views;
    private final Jobs jobs;
    private final RunLookup lookup;
    private final RunNow runNow;
    private final StopNow stopNow;
    private final Tokens tokens;
    private final Sessions sessions;
    private final ApiConfig config;
    private final SecurityIdentity identity;
    private final RoutingContext context;

    PageResource(
            PageViews views,
            Jobs jobs,
            RunLookup lookup,
            RunNow runNow,
            StopNow stopNow,
            Tokens tokens,
            Sessions sessions,
            ApiConfig config,
            SecurityIdentity identity,
            RoutingContext context) {
        this.views = views;
        this.jobs = jobs;
        this.lookup = lookup;
        this.runNow = runNow;
        this.stopNow = stopNow;
        this.tokens = tokens;
        this.sessions = sessions;
        this.config = config;
        this.identity = identity;
        this.context = context;
    }

    @GET
    @Operation(hidden = true)
    public Response page(@CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        return viewer(cookie)
                .map(viewer -> Response.ok(
                                PageTemplates.page(views.read(viewer)).render())
                        .build())
                .orElseGet(PageResource::toLogin);
    }

    @GET
    @Path("/runs/{run}")
    @Operation(hidden = true)
    public Response run(
            @PathParam("run") long runId, @CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        return viewer(cookie)
                .map(viewer -> Response.ok(PageTemplates.run(view(viewer, lookup.find(runId)))
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
        Token token = mustRun(cookie, key);
        Job job = jobs.find(name).orElseThrow(() -> new NotThereException(jobs.unknown(name)));
        RunContext run = runNow.start(
                job, dryRun == null ? RunNow.Order.PLAIN : RunNow.Order.DRY, token.name(), HttpGate.requestId(context));
        return redirect(dryRun == null ? HOME : "/runs/" + run.runId()).build();
    }

    @POST
    @Path("/runs/{run}/stop")
    @Operation(hidden = true)
    public Response stop(
            @PathParam("run") long runId,
            @FormParam("key") @DefaultValue("") String key,
            @CookieParam(TokenMechanism.COOKIE) @DefaultValue("") String cookie) {
        Token token = mustRun(cookie, key);
        stopNow.stop(lookup.find(runId).runId(), token.name());
        return redirect(HOME).build();
    }

    @GET
    @Path("/login")
    @Operation(hidden = true)
    public Response login() {
        return tokens.isOpen()
                ? redirect(HOME).build()
                : Response.ok(PageTemplates.login("").render()).build();
    }

    @POST
    @Path("/login")
    @Operation(hidden = true)
    public Response login(@FormParam("token") @DefaultValue("") String secret) {
        return tokens.match(secret.strip())
                .map(token -> redirect(HOME)
                        .cookie(cookie(
                                sessions.open(token),
                                Math.toIntExact(config.session().toSeconds())))
                        .build())
                .orElseGet(() -> Response.status(401)
                        .entity(PageTemplates.login("The token is unknown or has expired.")
                                .render())
                        .build());
    }

    @POST
    @Path("/logout")
    @Operation(hidden = true)
    public Response logout() {
        return redirect(LOGIN).cookie(cookie("", 0)).build();
    }

    /** Relative: in front of us may be a proxy that speaks https. */
    private static ResponseBuilder redirect(String path) {
        return Response.status(Response.Status.SEE_OTHER).header("Location", path);
    }

    private static Response toLogin() {
        return redirect(LOGIN).build();
    }

    private NewCookie cookie(String value, int maxAge) {
        return new NewCookie.Builder(TokenMechanism.COOKIE)
                .value(value)
                .path("/")
                .maxAge(maxAge)
                .httpOnly(true)
                .secure(context.request().isSSL())
                .sameSite(SameSite.STRICT)
                .build();
    }

    private Optional<Viewer> viewer(String cookie) {
        return token(cookie)
                .map(token -> new Viewer(
                        token.name(),
                        token.right() == Token.Right.RUN,
                        !tokens.isOpen(),
                        sessions.formKey(token, cookie)));
    }

    private Optional<Token> token(String cookie) {
        if (identity.isAnonymous()) {
            return Optional.empty();
        }
        return tokens.isOpen() ? Optional.of(tokens.local()) : sessions.verify(cookie);
    }

    private Token mustRun(String cookie, String key) {
        Token token = token(cookie).orElseThrow(io.quarkus.security.UnauthorizedException::new);
        if (token.right() != Token.Right.RUN || !sessions.isFormKey(token, cookie, key)) {
            throw new ForbiddenException();
        }
        return token;
    }

    private RunView view(Viewer viewer, RunReport run) {
        boolean living = run.state().equals("RUNNING");
        return new RunView(
                viewer,
                run,
                Words.time(run.startedAt().toInstant()),
                run.duration() == null ? "" : run.duration().toMillis() / 1000.0 + " s",
                run.counts().isEmpty() ? "nothing" : Words.counts(run.counts()),
                living);
    }
}
