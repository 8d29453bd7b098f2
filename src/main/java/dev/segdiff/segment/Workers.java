package dev.segdiff.segment;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/** Runs the same work in several threads. */
final class Workers {
    private Workers() {}

    /**
     * Runs the work, and returns when every thread has ended. If the work has failed in some threads, one of the
     * failures is thrown.
     */
    static void run(int threads, Runnable work) {
        if (threads == 0) {
            return;
        }
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            CompletableFuture.allOf(IntStream.range(0, threads)
                            .mapToObj(i -> CompletableFuture.runAsync(work, executor))
                            .toArray(CompletableFuture<?>[]::new))
                    .join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        } finally {
            executor.shutdown();
        }
    }
}
