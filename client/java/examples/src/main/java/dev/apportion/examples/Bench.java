package dev.apportion.examples;

import com.sun.net.httpserver.HttpServer;
import dev.apportion.Permit;
import dev.apportion.Prefetch;
import dev.apportion.Quota;
import dev.apportion.okhttp.PermitInterceptors;
import dev.apportion.testing.FakeServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** Measures a permit that is held ready, the hook beside a local request, and the calls for 1000 permits. */
public final class Bench {
    private static final int WARM_UP = 40_000;
    private static final int REQUESTS = 10_000;
    private static final long SECONDS = 3;

    private Bench() {}

    /**
     * Prints the measurements.
     *
     * @param arguments none
     * @throws Exception if something fails
     */
    public static void main(String[] arguments) throws Exception {
        try (FakeServer server = FakeServer.start();
                Quota quota = Quota.connect(server.config());
                Prefetch prefetch = quota.prefetch()) {
            requests(prefetch);
            calls(server, prefetch);
        }
    }

    /** Measures single permits between requests, and the requests. Their medians leave out what the machine did meanwhile. */
    private static void requests(Prefetch prefetch) throws Exception {
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("X-RateLimit-Limit", "166");
            exchange.getResponseHeaders().set("X-RateLimit-Remaining", "100");
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        provider.start();
        try {
            String url = "http://127.0.0.1:" + provider.getAddress().getPort() + "/";
            OkHttpClient plain = new OkHttpClient();
            OkHttpClient hooked = PermitInterceptors.addTo(new OkHttpClient.Builder(), prefetch)
                    .build();
            measured(prefetch, plain, hooked, url, WARM_UP); // until everything is compiled
            Times times = measured(prefetch, plain, hooked, url, REQUESTS);
            double plainUs = median(times.plain);
            double permitUs = median(times.permits);
            print("a permit that is held ready: %.2f us, %.2f %% of a request", permitUs, 100 * permitUs / plainUs);
            print("a local request of OkHttp: %.1f us, with the hook %.1f us", plainUs, median(times.hooked));
            plain.connectionPool().evictAll();
            hooked.connectionPool().evictAll();
        } finally {
            provider.stop(0);
        }
    }

    /** How long each took, in nanoseconds. */
    private static final class Times {
        final long[] plain;
        final long[] permits;
        final long[] hooked;

        Times(int count) {
            plain = new long[count];
            permits = new long[count];
            hooked = new long[count];
        }
    }

    /** Does each by turns, since the machine is not equally busy all the time. */
    private static Times measured(Prefetch prefetch, OkHttpClient plain, OkHttpClient hooked, String url, int count)
            throws Exception {
        Times times = new Times(count);
        for (int at = 0; at < count; at++) {
            times.plain[at] = send(plain, url);
            times.permits[at] = take(prefetch);
            times.hooked[at] = send(hooked, url);
        }
        return times;
    }

    /** Takes a permit that is held ready, once there is one. */
    private static long take(Prefetch prefetch) throws Exception {
        while (true) {
            long start = System.nanoTime();
            Optional<Permit> held = prefetch.tryPermit();
            if (held.isPresent()) {
                held.get().close();
                return System.nanoTime() - start;
            }
            prefetch.permit().close();
        }
    }

    private static long send(OkHttpClient client, String url) throws IOException {
        long start = System.nanoTime();
        try (Response response =
                client.newCall(new Request.Builder().url(url).build()).execute()) {
            response.body().bytes();
        }
        return System.nanoTime() - start;
    }

    private static double median(long[] ns) {
        Arrays.sort(ns);
        return ns[ns.length / 2] / 1e3;
    }

    private static void calls(FakeServer server, Prefetch prefetch) throws Exception {
        int before = server.calls();
        long start = System.nanoTime();
        int permits = 0;
        while (System.nanoTime() - start < SECONDS * 1_000_000_000) {
            prefetch.permit().close();
            permits++;
            pause(Math.max(start + permits * 1_000_000L - System.nanoTime(), 0));
        }
        print("calls for 1000 permits at 1000 a second: %.1f", (server.calls() - before) * 1_000.0 / permits);
    }

    private static void pause(long ns) throws InterruptedException {
        if (ns > 0) {
            Thread.sleep(ns / 1_000_000, (int) (ns % 1_000_000));
        }
    }

    private static void print(String line, Object... values) {
        System.out.println(String.format(Locale.ROOT, line, values));
    }
}
