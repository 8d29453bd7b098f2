package dev.segdiff.run;

import static java.util.stream.Collectors.joining;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** All jobs, in their daily order. */
@ApplicationScoped
public class Jobs {
    private final List<Job> jobs;

    public Jobs(@Any Instance<Job> jobs) {
        this.jobs = jobs.stream().sorted(Comparator.comparingInt(Job::order)).toList();
    }

    public List<Job> all() {
        return jobs;
    }

    /**
     * The job of this name.
     *
     * @throws InvalidInputException if there is no such job; the message suggests the most similar name
     */
    public Job named(String name) {
        return find(name).orElseThrow(() -> new InvalidInputException(unknown(name)));
    }

    public Optional<Job> find(String name) {
        return jobs.stream().filter(job -> job.name().equals(name)).findFirst();
    }

    /**
     * Refuses a wrong request before anything is touched. Each job checks the request for itself, and each name in
     * {@code accept} must belong to one of the jobs.
     *
     * @throws InvalidInputException if a job cannot serve the request
     */
    public static void check(List<Job> chosen, RunRequest request) {
        chosen.forEach(job -> job.check(request));
        request.accept().stream()
                .filter(name -> chosen.stream().noneMatch(job -> job.accepts(name)))
                .findFirst()
                .ifPresent(name -> {
                    throw new InvalidInputException("nothing that "
                            + chosen.stream().map(Job::name).collect(joining(", "))
                            + " could hold back is called '" + name + "', expected CUSTOMER/SEGMENT such as 7/42 for"
                            + " segment-diff, or the NAME of segdiff.events.NAME for event-expiry");
                });
    }

    public List<String> names() {
        return jobs.stream().map(Job::name).toList();
    }

    /** The error message for a name that no job has. It suggests the most similar name, and lists all names. */
    public String unknown(String name) {
        return "unknown job " + Printable.quoted(name) + Suggestion.didYouMean(name, names()) + " (jobs: "
                + String.join(", ", names()) + ")";
    }
}
