package dev.segdiff.partitioning;

/** What becomes of an object that hangs on the table. */
public enum Treatment {
    /** The partitioned table has the object as well. */
    CARRIED("carried"),
    /** A person has to look at the object, or to do something about it. */
    BY_HAND("by hand"),
    /** The table cannot be partitioned while the object is as it is. */
    REFUSED("refused");

    private final String words;

    Treatment(String words) {
        this.words = words;
    }

    @Override
    public String toString() {
        return words;
    }
}
