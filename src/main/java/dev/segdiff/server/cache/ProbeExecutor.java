package dev.segdiff.server.cache;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The threads that ask the database what probes and pages need, at most one thread for each question. */
@ApplicationScoped
public class ProbeExecutor implements Executor {
    private final ExecutorService threads = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "segdiff-ask");
        thread.setDaemon(true);
        return thread;
    });

    @Override
    public void execute(Runnable question) {
        threads.execute(question);
    }
}
