package dev.segdiff.server.live;

/** The process is about to end and accepts no more runs. */
public final class StoppingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    StoppingException() {
        super("this process is stopping: ask again, another one will answer");
    }
}
