package dev.segdiff.run;

/**
 * Why a run waits.
 *
 * @param text for people, such as "replication lag: standby1 replays 12 s late"
 */
public record WaitReason(WaitCause cause, String text) {
    /** A cause that needs no more words. */
    public static WaitReason of(WaitCause cause) {
        return new WaitReason(cause, cause.toString());
    }
}
