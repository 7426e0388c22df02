package dev.apportion.examples;

import dev.apportion.Config;
import dev.apportion.ConfigException;
import dev.apportion.NoPermitException;
import dev.apportion.Prefetch;
import dev.apportion.PrefetchOptions;
import dev.apportion.Quota;
import dev.apportion.Request;
import dev.apportion.okhttp.PermitInterceptors;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Response;

/** A small service that calls a provider through OkHttp, a permit for each attempt. */
public final class Service {
    private static final Duration MAX_WAIT = Duration.ofSeconds(30);
    private static final long PAUSE_MS = 20;

    private final Options options;
    private final OkHttpClient client;
    private final Results results;
    private final AtomicLong started = new AtomicLong();
    private final Instant end;
    private volatile boolean isStopped;

    private Service(Options options, OkHttpClient client) {
        this.options = options;
        this.client = client;
        results = new Results(options.isJson);
        Instant start = options.startAt.isAfter(Instant.now()) ? options.startAt : Instant.now();
        end = options.duration == null ? Instant.MAX : start.plus(options.duration);
    }

    /**
     * Runs the service.
     *
     * @param arguments the flags
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws InterruptedException {
        try {
            run(Options.parse(arguments));
        } catch (IllegalArgumentException | ConfigException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
    }

    private static void run(Options options) throws ConfigException, InterruptedException {
        Config config = new Config(options.apportion)
                .workspace(options.workspace)
                .team(options.team)
                .caller(options.caller);
        try (Quota quota = Quota.connect(config);
                Prefetch prefetch = quota.prefetch(Request.one().withMaxWait(MAX_WAIT), PrefetchOptions.usual())) {
            OkHttpClient client = PermitInterceptors.addTo(new OkHttpClient.Builder(), prefetch)
                    .readTimeout(MAX_WAIT)
                    .build();
            Service service = new Service(options, client);
            // A signal ends the process once this thread has: everything unused is given back by then.
            Thread main = Thread.currentThread();
            Thread stop = new Thread(() -> {
                service.stop();
                join(main);
            });
            Runtime.getRuntime().addShutdownHook(stop);
            service.work();
            client.connectionPool().evictAll();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join(5_000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop() {
        isStopped = true;
        client.dispatcher().cancelAll();
    }

    private void work() throws InterruptedException {
        Thread.sleep(Math.max(Duration.between(Instant.now(), options.startAt).toMillis(), 0));
        List<Thread> workers = new ArrayList<>();
        for (int at = 0; at < options.workers; at++) {
            Thread worker = new Thread(this::requests);
            worker.start();
            workers.add(worker);
        }
        for (Thread worker : workers) {
            worker.join();
        }
        results.print();
    }

    private void requests() {
        while (!isStopped && Instant.now().isBefore(end) && started.getAndIncrement() < options.requests) {
            request();
            try {
                Thread.sleep(PAUSE_MS);
            } catch (InterruptedException interrupted) {
                return;
            }
        }
    }

    private void request() {
        okhttp3.Request request = new okhttp3.Request.Builder()
                .url(options.provider)
                .header("X-Team", options.team)
                .build();
        Call call = client.newCall(request);
        Instant issued = Instant.now();
        long start = System.nanoTime();
        try (Response response = call.execute()) {
            response.body().bytes();
            results.answered(issued, System.nanoTime() - start, response.code());
        } catch (NoPermitException none) {
            results.failed(issued, System.nanoTime() - start, none.reason().getMessage());
        } catch (IOException broken) {
            results.failed(issued, System.nanoTime() - start, broken.toString());
        }
    }
}
