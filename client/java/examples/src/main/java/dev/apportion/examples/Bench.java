package dev.apportion.examples;

import com.sun.net.httpserver.HttpServer;
import dev.apportion.Permit;
import dev.apportion.PermitSource;
import dev.apportion.Prefetch;
import dev.apportion.Quota;
import dev.apportion.okhttp.PermitInterceptors;
import dev.apportion.testing.FakeServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Locale;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** Measures a permit that is held ready, the hook beside a local request, and the calls for 1000 permits. */
public final class Bench {
    private static final int ROUNDS = 21;
    private static final int REQUESTS = 500;
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
            permits(prefetch);
            hook(prefetch);
            calls(server, prefetch);
        }
    }

    /** Takes permits at about 2000 a second, and times those that are held. */
    private static void permits(Prefetch prefetch) throws Exception {
        long best = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long spent = 0;
            int count = 0;
            for (int at = 0; at < 2_000; at++) {
                long start = System.nanoTime();
                Permit permit = prefetch.tryPermit().orElse(null);
                if (permit == null) {
                    prefetch.permit().close();
                    continue;
                }
                permit.close();
                spent += System.nanoTime() - start;
                count++;
                pause(500_000);
            }
            best = Math.min(best, spent / Math.max(count, 1));
        }
        print("a permit that is held ready: %.2f us", best / 1e3);
    }

    private static void hook(PermitSource source) throws Exception {
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        provider.start();
        try {
            String url = "http://127.0.0.1:" + provider.getAddress().getPort() + "/";
            OkHttpClient plain = new OkHttpClient();
            OkHttpClient hooked =
                    PermitInterceptors.addTo(new OkHttpClient.Builder(), source).build();
            send(plain, url);
            send(hooked, url);
            // By turns, since the machine is not equally busy all the time.
            double[] without = new double[ROUNDS];
            double[] with = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                without[round] = send(plain, url);
                with[round] = send(hooked, url);
            }
            print("a local request of OkHttp: %.1f us, with the hook %.1f us", median(without), median(with));
            plain.connectionPool().evictAll();
            hooked.connectionPool().evictAll();
        } finally {
            provider.stop(0);
        }
    }

    private static double send(OkHttpClient client, String url) throws IOException {
        long start = System.nanoTime();
        for (int at = 0; at < REQUESTS; at++) {
            try (Response response =
                    client.newCall(new Request.Builder().url(url).build()).execute()) {
                response.body().bytes();
            }
        }
        return (System.nanoTime() - start) / 1e3 / REQUESTS;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
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
