package dev.segdiff.campaign;

import java.util.Random;

/** What befalls a run. */
enum Fault {
    /** {@code kill -9} of the process. */
    PROCESS_KILLED(8),
    /** All its sessions are ended, and it is killed if it lives on. */
    SESSIONS_ENDED(4),
    /** The server is stopped in the middle of everything, and starts again. */
    SERVER_STOPPED(2),
    /** All processes of the server are killed, and it starts again. */
    SERVER_KILLED(3),
    /** Nothing comes through any more, and nobody is told; the next run begins before the network is back. */
    NETWORK_CUT(3);

    private final int weight;

    Fault(int weight) {
        this.weight = weight;
    }

    static Fault any(Random random) {
        int left = random.nextInt(20);
        for (Fault fault : values()) {
            left -= fault.weight;
            if (left < 0) {
                return fault;
            }
        }
        throw new IllegalStateException("the weights are fewer than 20");
    }
}
