package dev.apportion;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Makes connections to nodes. */
final class Dialer {
    /** The library allows no shorter interval. Every call has a deadline of its own. */
    private static final long PROBE_INTERVAL_S = 10;

    private static final long PROBE_TIMEOUT_S = 5;

    private final ChannelCredentials credentials;
    private final String serverName;
    private final int timeoutMs;
    private final Executor executor;

    Dialer(Config config, boolean isHttps, Executor executor) throws ConfigException {
        this.executor = executor;
        timeoutMs = (int) Math.min(Math.max(config.connectTimeout.toMillis(), 1), Integer.MAX_VALUE);
        serverName = config.tls == null ? null : config.tls.serverName;
        if (!isHttps && config.tls != null) {
            throw new ConfigException("tls", "is set, but the addresses are http; use https");
        }
        credentials = isHttps ? tlsCredentials(config.tls) : InsecureChannelCredentials.create();
    }

    /** Returns connections to a node, which connect at the first call, and again whenever they break. */
    Node node(Address to) {
        return new Node(channel(to), channel(to));
    }

    private ManagedChannel channel(Address to) {
        NettyChannelBuilder builder = NettyChannelBuilder.forTarget("dns:///" + to.target(), credentials)
                .executor(executor)
                .userAgent("apportion-java/" + Quota.VERSION)
                .disableServiceConfigLookUp()
                // Each attempt is one of ours, which knows when it was sent.
                .disableRetry()
                .keepAliveTime(PROBE_INTERVAL_S, TimeUnit.SECONDS)
                .keepAliveTimeout(PROBE_TIMEOUT_S, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, timeoutMs);
        return serverName == null
                ? builder.build()
                : builder.overrideAuthority(serverName).build();
    }

    private static ChannelCredentials tlsCredentials(Tls tls) throws ConfigException {
        TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
        if (tls == null) {
            return builder.build();
        }
        try {
            if (tls.authority != null) {
                checkCertificates(tls.authority);
                builder.trustManager(new ByteArrayInputStream(tls.authority));
                checkWorks(TlsChannelCredentials.newBuilder()
                        .trustManager(new ByteArrayInputStream(tls.authority))
                        .build());
            }
        } catch (IOException | IllegalArgumentException | CertificateException odd) {
            throw new ConfigException("tls.authority", "contains no certificate in PEM: " + odd.getMessage());
        }
        try {
            if (tls.certificate != null) {
                checkCertificates(tls.certificate);
                builder.keyManager(new ByteArrayInputStream(tls.certificate), new ByteArrayInputStream(tls.key));
                checkWorks(TlsChannelCredentials.newBuilder()
                        .keyManager(new ByteArrayInputStream(tls.certificate), new ByteArrayInputStream(tls.key))
                        .build());
            }
        } catch (IOException | IllegalArgumentException | CertificateException odd) {
            throw new ConfigException("tls.certificate", "does not work with its key: " + odd.getMessage());
        }
        return builder.build();
    }

    private static void checkCertificates(byte[] pem) throws CertificateException {
        if (CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(pem))
                .isEmpty()) {
            throw new CertificateException("it is empty");
        }
    }

    /** Looks at the credentials now: otherwise the first call would. */
    private static void checkWorks(ChannelCredentials credentials) {
        NettyChannelBuilder unused = NettyChannelBuilder.forTarget("dns:///localhost:1", credentials);
    }
}
