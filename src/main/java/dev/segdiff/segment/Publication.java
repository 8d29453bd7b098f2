package dev.segdiff.segment;

import java.util.Locale;

/** The result of one attempt to publish a version. */
sealed interface Publication {
    /** The version was published; in a dry run, it would have been. */
    record Published(long version, long contacts, long added, long removed, boolean baseline) implements Publication {}

    /** Another worker works on the segment, or the segment has its version already. */
    record NotClaimed() implements Publication {}

    /** Nothing was published, and a person or the next run has to do something about it. */
    sealed interface Problem extends Publication {
        /** The name of the problem in the segment's state, the counts and the metrics. */
        String kind();

        String reason();
    }

    /** Too many contacts would leave, so a person has to decide. */
    record HeldBack(long contacts, long removed) implements Problem {
        @Override
        public String kind() {
            return "held_back";
        }

        @Override
        public String reason() {
            return String.format(
                    Locale.ROOT,
                    "%,d of %,d contacts would leave (%.1f%%)",
                    removed,
                    contacts,
                    100.0 * removed / Math.max(1, contacts));
        }
    }

    /** The source is not the one that was registered, so a person has to decide. */
    record Suspect(String reason) implements Problem {
        @Override
        public String kind() {
            return "held_back";
        }
    }

    /** A reader, or a migration of the source, holds a lock, so the next run has to publish the version. */
    record Busy(String reason) implements Problem {
        @Override
        public String kind() {
            return "busy";
        }
    }

    /** The source or the snapshot has a fault. */
    record Failed(String reason) implements Problem {
        @Override
        public String kind() {
            return "failed";
        }
    }
}
