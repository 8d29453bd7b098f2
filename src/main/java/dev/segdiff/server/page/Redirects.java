package dev.segdiff.server.page;

import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;

/**
 * Makes answers that send the browser to another page. The addresses are relative, because a proxy that speaks https
 * may be in front of segdiff.
 */
public final class Redirects {
    static final String HOME = "/";
    public static final String LOGIN = "/login";

    private Redirects() {}

    public static ResponseBuilder to(String path) {
        return Response.status(Response.Status.SEE_OTHER).header("Location", path);
    }
}
