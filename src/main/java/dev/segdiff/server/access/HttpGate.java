package dev.segdiff.server.access;

import dev.segdiff.db.Printable;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Checks every request before its sender is known: it gives the request an id, limits the rate, refuses requests from
 * pages of other sites, and sets safe headers.
 */
@ApplicationScoped
public class HttpGate {
    static final String REQUEST_ID = "X-Request-Id";

    /**
     * The priority of this filter. It is higher than that of Quarkus' authentication, 200, so the filter runs before
     * it.
     */
    private static final int FIRST = 1000;

    private static final int BURST_SECONDS = 10;
    private static final String GIVEN_ID = "[A-Za-z0-9._-]{1,64}";
    private static final Set<HttpMethod> SAFE = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);

    private final Tokens tokens;
    private final RateLimit rate;

    public HttpGate(Tokens tokens, ApiConfig config) {
        this.tokens = tokens;
        this.rate = new RateLimit(
                config.requestsPerSecond(), (double) config.requestsPerSecond() * BURST_SECONDS, System::nanoTime);
    }

    /** The id of a request, which is in its answer and in the log. */
    public static String requestId(RoutingContext context) {
        return String.valueOf(context.<String>get(REQUEST_ID));
    }

    void register(@Observes Filters filters) {
        filters.register(this::pass, FIRST);
    }

    private void pass(RoutingContext context) {
        HttpServerRequest request = context.request();
        String id = request.getHeader(REQUEST_ID);
        String requestId =
                id != null && id.matches(GIVEN_ID) ? id : UUID.randomUUID().toString();
        context.put(REQUEST_ID, requestId);
        headers(context.response(), requestId);
        if (context.normalizedPath().startsWith("/q/")) {
            context.next();
        } else if (!rate.allows(request.remoteAddress().hostAddress())) {
            context.response().putHeader("Retry-After", "1");
            refuse(context, 429, "too many requests: at most segdiff.api.requests-per-second for long");
        } else if (tokens.isOpen() && !LocalAddress.isNamedBy(request.getHeader("Host"))) {
            refuse(context, 403, "without a token only http://localhost and http://127.0.0.1 are served");
        } else if (!SAFE.contains(request.method()) && isForeign(request)) {
            refuse(context, 403, "the request comes from a page of another site");
        } else if (doubled(context).isPresent()) {
            refuse(context, 400, "the parameter " + doubled(context).get() + " is given twice");
        } else {
            context.next();
        }
    }

    /** The name of a query parameter that is given twice; empty if there is none. */
    private static Optional<String> doubled(RoutingContext context) {
        MultiMap query = context.queryParams();
        return query.names().stream()
                .filter(name -> query.getAll(name).size() > 1)
                .map(Printable::quoted)
                .findFirst();
    }

    /**
     * Whether a request comes from a page of another site. Browsers say where a request comes from, and programs do
     * not.
     */
    private static boolean isForeign(HttpServerRequest request) {
        String origin = request.getHeader("Origin");
        String site = request.getHeader("Sec-Fetch-Site");
        boolean otherOrigin =
                origin != null && !origin.replaceFirst("^https?://", "").equals(host(request));
        boolean otherSite = site != null && !site.equals("same-origin") && !site.equals("none");
        return otherOrigin || otherSite;
    }

    private static @Nullable String host(HttpServerRequest request) {
        return request.authority() == null ? null : request.authority().toString();
    }

    /**
     * Sets headers that forbid browsers to load content of other sites, to show the page in a frame, and to store
     * answers.
     */
    private static void headers(HttpServerResponse response, String requestId) {
        response.putHeader(REQUEST_ID, requestId)
                .putHeader(
                        "Content-Security-Policy",
                        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
                                + " form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("Referrer-Policy", "same-origin")
                .putHeader("Cache-Control", "no-store");
    }

    private static void refuse(RoutingContext context, int status, String why) {
        context.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "application/json")
                .end(new JsonObject()
                        .put("error", why)
                        .put("request_id", requestId(context))
                        .encode());
    }
}
