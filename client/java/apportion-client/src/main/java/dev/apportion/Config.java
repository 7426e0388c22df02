package dev.apportion;

import dev.apportion.observation.ResponseReader;
import dev.apportion.observation.SignalsReader;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The configuration of a client, which {@link Quota#connect} reads once. */
public final class Config {
    /** The most addresses of a configuration. */
    private static final int ADDRESSES_MAX = 16;

    final List<String> addresses;
    String workspace = "";
    String team = "";
    String caller = "";
    String token;
    Path tokenFile;
    Tls tls;
    boolean isInsecure;
    Fallback fallback = Fallback.deny();
    Duration connectTimeout = Duration.ofSeconds(1);
    Duration closeTimeout = Duration.ofSeconds(2);
    ResponseReader reader = new SignalsReader();
    Logger logger = System.getLogger("dev.apportion");
    Telemetry telemetry = Telemetry.silent();

    /**
     * Creates a configuration.
     *
     * @param addresses the URLs of the nodes, such as {@code http://127.0.0.1:7420}: 1 to 16, all http or all https. The first is
     *     used until it fails, then the next
     */
    public Config(String... addresses) {
        this.addresses = List.of(addresses);
    }

    /**
     * Sets the workspace.
     *
     * @param id the id; by default {@code default}
     * @return this
     */
    public Config workspace(String id) {
        workspace = id;
        return this;
    }

    /**
     * Sets the team that leases are charged to.
     *
     * @param id the id; by default {@code default}
     * @return this
     */
    public Config team(String id) {
        team = id;
        return this;
    }

    /**
     * Sets the name of the service or instance.
     *
     * @param name a stable name, not one for each request
     * @return this
     */
    public Config caller(String name) {
        caller = name;
        return this;
    }

    /**
     * Sets the bearer token of every call.
     *
     * @param secret the token
     * @return this
     */
    public Config token(String secret) {
        token = secret;
        return this;
    }

    /**
     * Sets the file that contains the token. It is read again every 10 seconds while calls are made, and when a token is
     * refused, so that a token can be replaced while the client runs.
     *
     * @param file its path
     * @return this
     */
    public Config tokenFile(Path file) {
        tokenFile = file;
        return this;
    }

    /**
     * Sets which certificates to use with https.
     *
     * @param certificates the certificates; by default those that the Java runtime trusts
     * @return this
     */
    public Config tls(Tls certificates) {
        tls = certificates.copy();
        return this;
    }

    /**
     * Allows a token to be sent unencrypted to addresses that are not loopback, for networks that encrypt by themselves.
     *
     * @param is whether it may be
     * @return this
     */
    public Config insecure(boolean is) {
        isInsecure = is;
        return this;
    }

    /**
     * Sets what the client does while the server is unreachable.
     *
     * @param then what it does; by default {@link Fallback#deny}
     * @return this
     */
    public Config fallback(Fallback then) {
        fallback = then;
        return this;
    }

    /**
     * Sets how long connecting may take.
     *
     * @param timeout the time; by default 1 second
     * @return this
     */
    public Config connectTimeout(Duration timeout) {
        connectTimeout = timeout;
        return this;
    }

    /**
     * Sets how long closing may take.
     *
     * @param timeout the time; by default 2 seconds
     * @return this
     */
    public Config closeTimeout(Duration timeout) {
        closeTimeout = timeout;
        return this;
    }

    /**
     * Sets what reads the responses of the provider.
     *
     * @param responseReader the reader; by default one by the signals that the server has for the workspace
     * @return this
     */
    public Config reader(ResponseReader responseReader) {
        reader = responseReader;
        return this;
    }

    /**
     * Sets what receives warnings.
     *
     * @param log the logger; by default that of the name {@code dev.apportion}
     * @return this
     */
    public Config logger(Logger log) {
        logger = log;
        return this;
    }

    /**
     * Sets what is told of waits, permits and calls.
     *
     * @param told what is told; by default nobody
     * @return this
     */
    public Config telemetry(Telemetry told) {
        telemetry = told;
        return this;
    }

    Telemetry.Identity identity() {
        return new Telemetry.Identity(workspace, team, caller);
    }

    boolean hasToken() {
        return token != null || tokenFile != null;
    }

    /** Checks what does not need a connection. */
    void check() throws ConfigException {
        if (fallback instanceof Fallback.LocalShare share) {
            if (share.window.isNegative() || share.window.isZero()) {
                throw new ConfigException("fallback", "the window of a share must be longer than 0");
            }
            if (share.permits < 0) {
                throw new ConfigException("fallback", "the permits of a share must not be negative");
            }
        }
        if (connectTimeout.isNegative() || connectTimeout.isZero()) {
            throw new ConfigException("connectTimeout", "must be longer than 0");
        }
        if (closeTimeout.isNegative()) {
            throw new ConfigException("closeTimeout", "must not be negative");
        }
    }

    /** Returns the parsed addresses. They are checked together with the token that would be sent to them. */
    List<Address> parsedAddresses() throws ConfigException {
        if (addresses.isEmpty() || addresses.size() > ADDRESSES_MAX) {
            throw new ConfigException("addresses", "must have 1 to " + ADDRESSES_MAX + ", has " + addresses.size());
        }
        List<Address> parsed = new ArrayList<>();
        for (int at = 0; at < addresses.size(); at++) {
            parsed.add(parsedAddress(at, parsed));
        }
        return parsed;
    }

    private Address parsedAddress(int at, List<Address> former) throws ConfigException {
        String field = "addresses[" + at + "]";
        try {
            Address next = Address.parse(addresses.get(at));
            if (at > 0 && next.isHttps() != former.get(0).isHttps()) {
                throw new ConfigException(field, "all addresses must be https, or none");
            }
            if (hasToken() && !next.isHttps() && !next.isLoopback() && !isInsecure) {
                throw new ConfigException(
                        field,
                        "a token is sent over https or to a loopback address only; use https, or allow it with insecure");
            }
            return next;
        } catch (Address.InvalidException invalid) {
            throw new ConfigException(field, "\"" + addresses.get(at) + "\": " + invalid.getMessage());
        }
    }

    /** Returns which addresses may be called that a response named. */
    Routes.Trust hintTrust(boolean isHttps) {
        boolean isChecked = isHttps && tls != null && (tls.authority != null || tls.serverName != null);
        if (isChecked || !isHttps && !hasToken()) {
            return Routes.Trust.ALL;
        }
        return isHttps ? Routes.Trust.CONFIGURED : Routes.Trust.LOOPBACK;
    }
}
