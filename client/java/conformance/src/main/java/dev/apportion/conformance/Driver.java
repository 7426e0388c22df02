package dev.apportion.conformance;

import apportion.conformance.v1.Acquire;
import apportion.conformance.v1.Connect;
import apportion.conformance.v1.DriverRequest;
import apportion.conformance.v1.DriverResponse;
import apportion.conformance.v1.Flush;
import apportion.conformance.v1.Grant;
import apportion.conformance.v1.HelloResult;
import apportion.conformance.v1.Hook;
import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpResult;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Inspect;
import apportion.conformance.v1.Inspection;
import apportion.conformance.v1.Leave;
import apportion.conformance.v1.Observe;
import apportion.conformance.v1.PutBack;
import apportion.conformance.v1.Source;
import apportion.conformance.v1.State;
import apportion.conformance.v1.StateResult;
import apportion.conformance.v1.Take;
import apportion.conformance.v1.Taken;
import dev.apportion.Lease;
import dev.apportion.Permit;
import dev.apportion.PermitSource;
import dev.apportion.Prefetch;
import dev.apportion.PrefetchOptions;
import dev.apportion.Quota;
import dev.apportion.Stats;
import dev.apportion.observation.ProviderResponse;
import dev.apportion.resilience4j.PermitRateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiter;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Does what the runner says, each operation one call of the library. */
final class Driver {
    private static final List<String> CAPABILITIES = List.of(
            "lease-put-back",
            "flush",
            "interpret",
            "tls",
            "client-certificate",
            "token-file",
            "addresses",
            "hints",
            "observation",
            "observation-age",
            "via:resilience4j");
    private static final Duration FLUSH_LONGEST = Duration.ofSeconds(30);

    private final Map<Long, Running> inFlight = new ConcurrentHashMap<>();
    private final Handles<Quota> quotas = new Handles<>();
    private final Handles<Prefetch> prefetches = new Handles<>();
    private final Handles<Lease> leases = new Handles<>();
    private final Handles<Permit> permits = new Handles<>();
    private final Handles<HttpHook> https = new Handles<>();

    Running start(DriverRequest request) {
        Running running = new Running(() -> inFlight.remove(request.getId()));
        inFlight.put(request.getId(), running);
        return running;
    }

    DriverResponse.Builder run(DriverRequest request) throws Exception {
        if (request.getProcess() != 0) {
            throw new Answers.UnsupportedException("this driver has no other processes");
        }
        return switch (request.getOperationCase()) {
            case HELLO -> hello();
            case CONNECT -> connect(request.getConnect());
            case ACQUIRE -> acquire(request.getAcquire());
            case TAKE -> take(request.getTake());
            case PREFETCH -> prefetch(request.getPrefetch());
            case PERMIT -> permit(request.getPermit());
            case PUT_BACK -> putBack(request.getPutBack());
            case LEAVE -> leave(request.getLeave());
            case INSPECT -> inspect(request.getInspect());
            case OBSERVE -> observe(request.getObserve());
            case INTERPRET -> Responses.interpret(request.getInterpret());
            case HTTP_OPEN -> httpOpen(request.getHttpOpen());
            case HTTP_SEND -> httpSend(request.getHttpSend());
            case FLUSH -> flush(request.getFlush());
            case CLOSE -> close(request.getClose().getClient());
            case STATE -> state(request.getState());
            case SLEEP -> sleep(request.getSleep().getMs());
            case CANCEL -> cancel(request.getCancel().getRequest());
            case RESET -> reset(request.getId());
            default -> throw new Answers.UnsupportedException("the Java client has no such operation");
        };
    }

    private static DriverResponse.Builder hello() {
        return DriverResponse.newBuilder()
                .setHello(HelloResult.newBuilder()
                        .setVersion(1)
                        .setLanguage("java")
                        .setClientVersion(Quota.VERSION)
                        .addAllCapabilities(CAPABILITIES)
                        .addHooks(hook("OkHttp", "redirects", "retries", "http2"))
                        .addHooks(hook("java.net.http", "redirects"))
                        .addHooks(hook("RestClient"))
                        .addHooks(hook("WebClient"))
                        .setProcessId((int) ProcessHandle.current().pid()));
    }

    private static Hook hook(String name, String... features) {
        return Hook.newBuilder().setName(name).addAllFeatures(List.of(features)).build();
    }

    private DriverResponse.Builder connect(Connect connect) throws Exception {
        quotas.keep(connect.getClient(), Quota.connect(Asks.config(connect)));
        return Answers.done();
    }

    private DriverResponse.Builder acquire(Acquire acquire) throws Exception {
        Lease lease = quotas.find(acquire.getClient()).acquire(Asks.request(acquire.getAsk()));
        leases.keep(acquire.getLease(), lease);
        return Answers.granted(Grant.newBuilder()
                .setPermits(lease.permits())
                .setPriority(lease.priority().name())
                .setValidForMs(lease.validFor().toMillis())
                .setContended(lease.isContended())
                .setCount(1));
    }

    private DriverResponse.Builder take(Take take) {
        Lease lease = leases.find(take.getLease());
        int taken = 0;
        for (int times = Math.max(take.getTimes(), 1); times > 0; times--) {
            taken += lease.take() ? 1 : 0;
        }
        return DriverResponse.newBuilder().setTaken(Taken.newBuilder().setTaken(taken));
    }

    private DriverResponse.Builder prefetch(apportion.conformance.v1.Prefetch prefetch) {
        PrefetchOptions options = PrefetchOptions.usual();
        if (prefetch.hasHorizonMs()) {
            options = options.withHorizon(Asks.ms(prefetch.getHorizonMs()));
        }
        if (prefetch.hasIdleTimeoutMs()) {
            options = options.withIdleTimeout(Asks.ms(prefetch.getIdleTimeoutMs()));
        }
        if (prefetch.hasMaxPermits()) {
            options = options.withMaxPermits(prefetch.getMaxPermits());
        }
        prefetches.keep(
                prefetch.getPrefetch(),
                quotas.find(prefetch.getClient()).prefetch(Asks.request(prefetch.getAsk()), options));
        return Answers.done();
    }

    private PermitSource source(Source source) {
        return source.getPrefetch() != 0
                ? prefetches.find(source.getPrefetch())
                : quotas.find(source.getClient()).source(Asks.request(source.getAsk()));
    }

    private DriverResponse.Builder permit(apportion.conformance.v1.Permit take) throws Exception {
        if (take.getVia().equals("resilience4j")) {
            return viaLimiter(take);
        }
        if (!take.getVia().isEmpty()) {
            throw new Answers.UnsupportedException("the Java client has no such way");
        }
        Grant.Builder grant = Grant.newBuilder();
        for (int times = Math.max(take.getRepeat(), 1); times > 0; times--) {
            Optional<Permit> taken = one(take);
            if (taken.isEmpty()) {
                return Answers.granted(grant.clearPermits());
            }
            Permit permit = taken.get();
            grant.setPermits(1)
                    .setCount(grant.getCount() + 1)
                    .setPriority(permit.priority().name())
                    .setValidForMs(permit.validFor().toMillis());
            switch (take.getThen()) {
                case THEN_LEAVE -> permit.close();
                case THEN_PUT_BACK -> permit.putBack();
                default -> permits.keep(take.getPermit(), permit);
            }
        }
        return Answers.granted(grant);
    }

    private DriverResponse.Builder viaLimiter(apportion.conformance.v1.Permit take) throws Exception {
        if (take.getSource().getPrefetch() == 0 || take.getThen() != apportion.conformance.v1.Permit.Then.THEN_LEAVE) {
            throw new Answers.UnsupportedException("the rate limiter takes permits of a prefetch, and uses them");
        }
        RateLimiter limiter = new PermitRateLimiter(
                "conformance", prefetches.find(take.getSource().getPrefetch()));
        int count = 0;
        for (int times = Math.max(take.getRepeat(), 1); times > 0; times--) {
            RateLimiter.waitForPermission(limiter);
            count++;
        }
        return Answers.granted(Grant.newBuilder().setPermits(1).setCount(count));
    }

    private Optional<Permit> one(apportion.conformance.v1.Permit take) throws Exception {
        if (take.getOnlyIfReady() && take.getSource().getPrefetch() != 0) {
            return prefetches.find(take.getSource().getPrefetch()).tryPermit();
        }
        return Optional.of(source(take.getSource()).permit());
    }

    private DriverResponse.Builder putBack(PutBack back) {
        if (back.getPermit() != 0) {
            permits.forget(back.getPermit()).putBack();
        } else {
            leases.find(back.getLease()).putBack();
        }
        return Answers.done();
    }

    private DriverResponse.Builder leave(Leave leave) {
        if (leave.getPermit() != 0) {
            permits.forget(leave.getPermit()).close();
        } else {
            leases.forget(leave.getLease()).close();
        }
        return Answers.done();
    }

    private DriverResponse.Builder inspect(Inspect inspect) {
        Inspection.Builder inspection = Inspection.newBuilder();
        if (inspect.getPermit() != 0) {
            inspection.setValidForMs(
                    permits.find(inspect.getPermit()).validFor().toMillis());
        } else {
            Lease lease = leases.find(inspect.getLease());
            inspection.setLeft(lease.left()).setValidForMs(lease.validFor().toMillis());
        }
        return DriverResponse.newBuilder().setInspection(inspection);
    }

    private DriverResponse.Builder observe(Observe observe) {
        if (observe.hasResponse()) {
            ProviderResponse response = Responses.response(observe.getResponse());
            if (observe.getPermit() != 0) {
                permits.find(observe.getPermit()).observe(response);
            } else {
                leases.find(observe.getLease()).observe(response);
            }
        } else if (observe.getPermit() != 0) {
            permits.find(observe.getPermit()).observe(Responses.observation(observe.getObservation()));
        } else {
            leases.find(observe.getLease()).observe(Responses.observation(observe.getObservation()));
        }
        return Answers.done();
    }

    private DriverResponse.Builder httpOpen(HttpOpen open) throws Exception {
        https.keep(open.getHttp(), HttpHook.open(open, source(open.getSource())));
        return Answers.done();
    }

    private DriverResponse.Builder httpSend(HttpSend send) throws Exception {
        HttpHook http = https.find(send.getHttp());
        try {
            return DriverResponse.newBuilder().setHttp(HttpResult.newBuilder().setResponse(http.send(send)));
        } catch (IOException | InterruptedException | RuntimeException failed) {
            throw HttpHook.unwrapped(failed);
        }
    }

    private DriverResponse.Builder flush(Flush flush) throws InterruptedException {
        quotas.find(flush.getClient()).flush(FLUSH_LONGEST);
        return Answers.done();
    }

    private DriverResponse.Builder close(int client) {
        quotas.find(client).close();
        return Answers.done();
    }

    private DriverResponse.Builder state(State state) {
        StateResult.Builder result = StateResult.newBuilder()
                .setThreads(ManagementFactory.getThreadMXBean().getThreadCount());
        String[] files = new File("/proc/self/fd").list();
        if (files != null) {
            result.setOpenFiles(files.length);
        }
        if (state.getClient() != 0) {
            Stats stats = quotas.find(state.getClient()).stats();
            result.setHeld(stats.held())
                    .setWaiting(stats.waiting())
                    .setOpenLeases(stats.openLeases())
                    .setPendingReports(stats.pendingReports());
        }
        return DriverResponse.newBuilder().setState(result);
    }

    private static DriverResponse.Builder sleep(long ms) throws InterruptedException {
        Thread.sleep(ms);
        return Answers.done();
    }

    private DriverResponse.Builder cancel(long request) {
        Running running = inFlight.get(request);
        if (running != null) {
            running.cancel();
        }
        return Answers.done();
    }

    /** Ends a case: what is in flight is cancelled, scopes are left, clients closed. */
    private DriverResponse.Builder reset(long own) throws InterruptedException, IOException {
        inFlight.forEach((id, running) -> {
            if (id != own) {
                running.cancel();
            }
        });
        permits.forgetAll().forEach(Permit::close);
        leases.forgetAll().forEach(Lease::close);
        prefetches.forgetAll();
        https.forgetAll().forEach(HttpHook::close);
        List<Thread> closing = new ArrayList<>();
        for (Quota quota : quotas.forgetAll()) {
            Thread thread = new Thread(quota::close);
            thread.start();
            closing.add(thread);
        }
        for (Thread thread : closing) {
            thread.join();
        }
        return Answers.done();
    }
}
