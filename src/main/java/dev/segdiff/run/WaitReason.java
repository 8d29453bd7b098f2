package dev.segdiff.run;

/**
 * Why a run waits: the cause, and a text with the details.
 *
 * @param text the reason for people, such as "replication lag: standby1 replays 12 s late"
 */
public record WaitReason(WaitCause cause, String text) {
    /** A reason without details: its text is that of the cause. */
    public static WaitReason of(WaitCause cause) {
        return new WaitReason(cause, cause.toString());
    }
}
