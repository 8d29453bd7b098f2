package dev.segdiff.server.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** Finds out whether an address can be reached from this machine only. */
final class LocalAddress {
    private LocalAddress() {}

    /** Whether a server that listens on this host can be reached from this machine only. */
    static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /**
     * Whether a request names this machine as its host. A page of another site can make a browser send requests to a
     * name of that site which leads to this machine. But the page cannot make the browser say "localhost".
     */
    static boolean isNamedBy(@Nullable String hostHeader) {
        return hostHeader != null && hostHeader.matches("(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?");
    }
}
