package dev.segdiff.run;

import dev.segdiff.db.InvalidInputException;
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
     * @throws InvalidInputException if there is none; it names the nearest
     */
    public Job named(String name) {
        return find(name).orElseThrow(() -> new InvalidInputException(unknown(name)));
    }

    public Optional<Job> find(String name) {
        return jobs.stream().filter(job -> job.name().equals(name)).findFirst();
    }

    public List<String> names() {
        return jobs.stream().map(Job::name).toList();
    }

    /** What to tell of a name that no job has: the nearest one, and all. */
    public String unknown(String name) {
        return "unknown job '" + name + "'" + Suggestion.didYouMean(name, names()) + " (jobs: "
                + String.join(", ", names()) + ")";
    }
}
