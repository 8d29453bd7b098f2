package dev.segdiff.server.page;

import dev.segdiff.server.access.ApiConfig;
import dev.segdiff.server.access.Sessions;
import dev.segdiff.server.access.TokenMechanism;
import dev.segdiff.server.access.Tokens;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.NewCookie;
import jakarta.ws.rs.core.NewCookie.SameSite;
import jakarta.ws.rs.core.Response;
import org.eclipse.microprofile.openapi.annotations.Operation;

/**
 * The login of the page. A person enters a token, and gets a session in a cookie that scripts and other sites cannot
 * use.
 */
@Path("/")
@Produces(MediaType.TEXT_HTML)
@Consumes(MediaType.APPLICATION_FORM_URLENCODED)
public class LoginResource {
    private final Tokens tokens;
    private final Sessions sessions;
    private final ApiConfig config;
    private final RoutingContext context;

    LoginResource(Tokens tokens, Sessions sessions, ApiConfig config, RoutingContext context) {
        this.tokens = tokens;
        this.sessions = sessions;
        this.config = config;
        this.context = context;
    }

    @GET
    @Path("/login")
    @Operation(hidden = true)
    public Response login() {
        return tokens.isOpen()
                ? Redirects.to(Redirects.HOME).build()
                : Response.ok(PageTemplates.login("").render()).build();
    }

    @POST
    @Path("/login")
    @Operation(hidden = true)
    public Response login(@FormParam("token") @DefaultValue("") String secret) {
        return tokens.match(secret.strip())
                .map(token -> Redirects.to(Redirects.HOME)
                        .cookie(cookie(sessions.open(token), (int)
                                Math.min(config.session().toSeconds(), Integer.MAX_VALUE)))
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
        return Redirects.to(Redirects.LOGIN).cookie(cookie("", 0)).build();
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
}
