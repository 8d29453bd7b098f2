package dev.segdiff.segment;

import java.util.Locale;

/** What came of one attempt to publish a version. */
sealed interface Publication {
    /** The version is there; in a dry run: would be. */
    record Published(long version, long contacts, long added, long removed, boolean baseline) implements Publication {}

    /** Somebody else works on it, or it has its version. */
    record NotClaimed() implements Publication {}

    /** Nothing was published, and a person or the next run has to do something about it. */
    sealed interface Problem extends Publication {
        /** How the segment's state, the counts and the metrics call it. */
        String kind();

        String reason();
    }

    /** Too many would leave: a person decides. */
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

    /** The source is not what was registered: a person decides. */
    record Suspect(String reason) implements Problem {
        @Override
        public String kind() {
            return "held_back";
        }
    }

    /** A reader, or a migration of the source, holds a lock; the next run does it. */
    record Busy(String reason) implements Problem {
        @Override
        public String kind() {
            return "busy";
        }
    }

    /** The source, or the snapshot, is at fault. */
    record Failed(String reason) implements Problem {
        @Override
        public String kind() {
            return "failed";
        }
    }
}
