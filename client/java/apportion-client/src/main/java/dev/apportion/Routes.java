package dev.apportion;

import java.util.List;

/** Which node is called next, as a function of what happened so far. */
final class Routes {
    /** How long a hint is ignored after the node that it names has failed. */
    private static final long HINT_IGNORED_NS = 10_000_000_000L;
    /** The longest hint that is read. */
    private static final int HINT_MAX = 255;

    /**
     * What protects calls to an address that is not configured. A hint decides where a token goes next, so a node that lies
     * must not be able to redirect it to anyone.
     */
    enum Trust {
        /** Nothing: only configured addresses are called. */
        CONFIGURED,
        /** A token is sent unencrypted, as far as the loopback. */
        LOOPBACK,
        /** Nothing that could be stolen is sent, or the certificate of every node is checked against a configured authority. */
        ALL,
    }

    private final List<Address> configured;
    private final Trust trust;
    private int current;
    /** The node that serves the workspace, if one was named. */
    private Address owner;
    /** A node that failed, and until when hints of it are ignored. */
    private Address ignored;

    private long ignoredUntil;

    Routes(List<Address> configured, Trust trust) {
        this.configured = configured;
        this.trust = trust;
    }

    /** Returns the address to call next. */
    Address next() {
        return owner != null ? owner : configured.get(current);
    }

    /** Notes that a call to an address failed. Returns whether calls go elsewhere now. */
    boolean failed(Address failed, long now) {
        if (!next().equals(failed)) {
            return true; // another call has noticed it before
        }
        if (owner != null) {
            owner = null;
            ignored = failed;
            ignoredUntil = Ticker.after(now, HINT_IGNORED_NS);
        }
        if (configured.get(current).equals(failed)) {
            current = (current + 1) % configured.size();
        }
        return !next().equals(failed);
    }

    /** Notes that a response named the node that serves the workspace. Returns whether calls go elsewhere now. */
    boolean hinted(String hint, long now) {
        Address named = followed(hint);
        if (named == null || named.equals(next()) || named.equals(ignored) && now < ignoredUntil) {
            return false;
        }
        owner = named;
        return true;
    }

    /** Returns the address that the hint names; null if it may not be called. */
    private Address followed(String hint) {
        if (hint.length() > HINT_MAX || hint.chars().anyMatch(letter -> "/@?#".indexOf(letter) >= 0)) {
            return null;
        }
        try {
            Address named = Address.parse((configured.get(0).isHttps() ? "https://" : "http://") + hint);
            boolean isTrusted = trust == Trust.ALL || trust == Trust.LOOPBACK && named.isLoopback();
            return isTrusted || configured.contains(named) ? named : null;
        } catch (Address.InvalidException nonsense) {
            return null;
        }
    }
}
