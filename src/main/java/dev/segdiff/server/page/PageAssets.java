package dev.segdiff.server.page;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Objects;
import org.eclipse.microprofile.openapi.annotations.Operation;

/**
 * Serves the files that the pages load, such as styles. Quarkus could serve these files by itself, but it uses a cache
 * on disk for that, and segdiff runs on file systems where nothing can be written.
 */
@Path("/segdiff.{type: css|js|svg}")
public class PageAssets {
    private static final Map<String, String> MEDIA_TYPES = Map.of(
            "css", "text/css;charset=UTF-8",
            "js", "text/javascript;charset=UTF-8",
            "svg", "image/svg+xml");

    @GET
    @Operation(hidden = true)
    public Response asset(@PathParam("type") String type) throws IOException {
        try (InputStream file =
                Objects.requireNonNull(PageAssets.class.getResourceAsStream("/assets/segdiff." + type))) {
            return Response.ok(file.readAllBytes(), MEDIA_TYPES.get(type))
                    .header(HttpHeaders.CACHE_CONTROL, "max-age=3600")
                    .build();
        }
    }
}
