package dev.apportion;

import java.time.Duration;
import java.util.Objects;

/** What a client does while the server is unreachable. */
public abstract sealed class Fallback {
    private Fallback() {}

    /**
     * Fails with {@link UnreachableException}. The default.
     *
     * @return the fallback
     */
    public static Fallback deny() {
        return new Deny();
    }

    /**
     * Waits for the server, beyond the wait of the request.
     *
     * @return the fallback
     */
    public static Fallback waitForServer() {
        return new Wait();
    }

    /**
     * Grants permits locally: at most so many in any span as long as the window. The shares of all clients together must fit
     * into the provider's window.
     *
     * @param permits the permits of the share
     * @param window the length of the provider's window
     * @return the fallback
     */
    public static Fallback share(int permits, Duration window) {
        return new LocalShare(permits, window);
    }

    static final class Deny extends Fallback {}

    static final class Wait extends Fallback {}

    static final class LocalShare extends Fallback {
        final int permits;
        final Duration window;

        private LocalShare(int permits, Duration window) {
            this.permits = permits;
            this.window = Objects.requireNonNull(window, "window");
        }
    }
}
