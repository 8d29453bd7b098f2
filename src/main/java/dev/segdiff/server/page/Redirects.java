package dev.segdiff.server.page;

import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;

/** Where browsers are sent. Relative: in front of us may be a proxy that speaks https. */
public final class Redirects {
    static final String HOME = "/";
    public static final String LOGIN = "/login";

    private Redirects() {}

    public static ResponseBuilder to(String path) {
        return Response.status(Response.Status.SEE_OTHER).header("Location", path);
    }
}
