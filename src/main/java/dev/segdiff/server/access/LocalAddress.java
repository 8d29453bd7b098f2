package dev.segdiff.server.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** What only this machine can reach. */
public final class LocalAddress {
    private LocalAddress() {}

    /** Whether a server that listens here is reached from this machine only. */
    static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /**
     * Whether a request names this machine as its host. A page of elsewhere can make a browser ask a name of its own that
     * leads here, but it cannot make it say "localhost".
     */
    static boolean isNamedBy(@Nullable String hostHeader) {
        return hostHeader != null && hostHeader.matches("(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?");
    }
}
