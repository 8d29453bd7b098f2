package dev.segdiff.server.api;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.server.live.RunNow.RunOptions;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * The options of a run as JSON. This is a bean and no record, so that {@code "dry_run": null} is refused and not taken
 * for false.
 */
@Schema(name = "Body")
@RegisterForReflection
public final class RunBody {
    public @Nullable LocalDate day;
    public boolean dryRun;
    public boolean force;

    @JsonSetter(nulls = Nulls.FAIL)
    public List<@Nullable String> accept = List.of();

    /** @throws InvalidInputException if a list holds null */
    RunOptions options() {
        if (accept.stream().anyMatch(Objects::isNull)) {
            throw new InvalidInputException("accept holds null, expected CUSTOMER/SEGMENT such as 7/42");
        }
        return new RunOptions(
                day, dryRun, force, accept.stream().flatMap(Stream::ofNullable).toList());
    }
}
