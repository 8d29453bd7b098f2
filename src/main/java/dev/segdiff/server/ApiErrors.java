package dev.segdiff.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import dev.segdiff.server.access.HttpGate;
import dev.segdiff.server.access.Tokens;
import dev.segdiff.server.api.NoDatabaseException;
import dev.segdiff.server.live.JobBusyException;
import dev.segdiff.server.live.NotThereException;
import dev.segdiff.server.live.StoppingException;
import dev.segdiff.server.page.PageTemplates;
import dev.segdiff.server.page.Redirects;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.UnauthorizedException;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.jspecify.annotations.Nullable;

/**
 * Turns errors into HTTP answers that say what was wrong and what to do. The answers never show the inside of the
 * program. Only {@link HttpGate} answers with errors by itself, because it refuses requests before they reach a
 * resource.
 */
final class ApiErrors {
    private static final Logger LOG = Logger.getLogger(ApiErrors.class);

    /** The words for errors that JAX-RS finds, by their status. */
    private static final Map<Integer, String> WORDS = Map.of(
            404, "there is nothing here",
            405, "this method is not for this path",
            406, "only JSON can be had here",
            415, "expected Content-Type: application/json");

    private static final Pattern DOUBLED = Pattern.compile("Duplicate field '(.*)'");

    @Inject
    RoutingContext context;

    @Inject
    Tokens tokens;

    /** The JSON content of an answer that is no success. */
    @RegisterForReflection
    record Problem(String error, String requestId) {}

    @ServerExceptionMapper
    Response invalid(InvalidInputException e) {
        return answer(400, e.getMessage());
    }

    @ServerExceptionMapper
    Response busy(JobBusyException e) {
        return answer(409, e.getMessage());
    }

    @ServerExceptionMapper
    Response stopping(StoppingException e) {
        return answer(503, e.getMessage());
    }

    @ServerExceptionMapper
    Response away(NoDatabaseException e) {
        return answer(503, e.getMessage());
    }

    @ServerExceptionMapper
    Response unauthorized(UnauthorizedException e) {
        return challenge(
                tokens.describe().startsWith("no token")
                        ? tokens.describe()
                        : "expected the header Authorization: Bearer TOKEN");
    }

    @ServerExceptionMapper
    Response unauthenticated(AuthenticationFailedException e) {
        return challenge("the token is unknown or has expired");
    }

    @ServerExceptionMapper
    Response forbidden(ForbiddenException e) {
        return answer(403, "the token may read, but not run");
    }

    @ServerExceptionMapper
    Response notThere(NotThereException e) {
        return answer(404, e.getMessage());
    }

    @ServerExceptionMapper({JsonProcessingException.class, MismatchedInputException.class})
    Response json(JsonProcessingException e) {
        String what = e instanceof UnrecognizedPropertyException unknown
                ? "unknown field " + unknown.getPropertyName() + ", expected one of " + unknown.getKnownPropertyIds()
                : e instanceof MismatchedInputException mismatch
                                && !mismatch.getPath().isEmpty()
                        ? "the field " + mismatch.getPath().get(0).getFieldName() + " has a wrong value"
                        : doubled(e).orElse("the body is no JSON");
        return answer(400, what);
    }

    /**
     * The name of a field that the request holds twice. Jackson says this only by its message: Duplicate field
     * 'dry_run'.
     */
    private static Optional<String> doubled(JsonProcessingException e) {
        Matcher field = DOUBLED.matcher(e.getOriginalMessage());
        return field.lookingAt()
                ? Optional.of("the field " + Printable.quoted(field.group(1)) + " is given twice")
                : Optional.empty();
    }

    @ServerExceptionMapper
    Response http(WebApplicationException e) {
        if (e.getCause() instanceof JsonProcessingException json) {
            return json(json);
        }
        int status = e.getResponse().getStatus();
        return answer(status, WORDS.getOrDefault(status, "the request is wrong"));
    }

    @ServerExceptionMapper
    Response database(DatabaseException e) {
        LOG.warnf("request=%s %s", requestId(), e.getMessage());
        return e.isLostConnection()
                ? answer(503, "the database cannot be reached")
                : answer(500, "the database refused; see the log for this request id");
    }

    @ServerExceptionMapper
    Response unexpected(RuntimeException e) {
        LOG.errorf(e, "request=%s failed", requestId());
        return answer(500, "something is wrong here; see the log for this request id");
    }

    private Response challenge(String error) {
        return builder(401, error)
                .header("WWW-Authenticate", "Bearer realm=\"segdiff\"")
                .build();
    }

    private Response answer(int status, @Nullable String error) {
        return builder(status, error).build();
    }

    /**
     * The answer in the right form: people get a page, or the login if they are not logged in, and programs get JSON.
     */
    private ResponseBuilder builder(int status, @Nullable String error) {
        boolean person = !context.normalizedPath().startsWith("/api")
                && String.valueOf(context.request().getHeader("Accept")).contains("text/html");
        if (person && status == 401) {
            return Redirects.to(Redirects.LOGIN);
        } else if (person) {
            return Response.status(status)
                    .type(MediaType.TEXT_HTML)
                    .entity(PageTemplates.error(String.valueOf(error), requestId())
                            .render());
        }
        return Response.status(status)
                .type(MediaType.APPLICATION_JSON)
                .entity(new Problem(String.valueOf(error), requestId()));
    }

    private String requestId() {
        return HttpGate.requestId(context);
    }
}
