package dev.apportion.resilience4j;

import dev.apportion.ApportionException;
import dev.apportion.Permit;
import dev.apportion.Prefetch;
import io.github.resilience4j.core.EventConsumer;
import io.github.resilience4j.core.EventProcessor;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.ratelimiter.event.RateLimiterEvent;
import io.github.resilience4j.ratelimiter.event.RateLimiterOnFailureEvent;
import io.github.resilience4j.ratelimiter.event.RateLimiterOnSuccessEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A {@link RateLimiter} whose permissions are permits of a {@link Prefetch}. Each counts as used as soon as it is granted.
 *
 * <p>How many there are, and how long a caller waits for them, is for the server and the prefetch to say: what would change
 * either here is not supported.
 */
public final class PermitRateLimiter implements RateLimiter {
    private final String name;
    private final Prefetch prefetch;
    private final RateLimiterConfig config = RateLimiterConfig.custom().build();
    private final Events events = new Events();

    /**
     * Creates a rate limiter.
     *
     * @param name its name in events and failures
     * @param prefetch where the permits come from
     */
    public PermitRateLimiter(String name, Prefetch prefetch) {
        this.name = name;
        this.prefetch = prefetch;
    }

    /** Waits for permits. If not all are granted, those that were by then go back. An interrupted thread is still interrupted. */
    @Override
    public boolean acquirePermission(int permits) {
        List<Permit> taken = new ArrayList<>();
        try {
            while (taken.size() < permits) {
                taken.add(prefetch.permit());
            }
        } catch (ApportionException none) {
            return isGranted(taken, permits);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return isGranted(taken, permits);
        }
        return isGranted(taken, permits);
    }

    /**
     * Takes permits that are held, without waiting. It never reserves later ones: when the budget has room is for the server to
     * say.
     *
     * @return 0 if all are taken, and a negative number if none is
     */
    @Override
    public long reservePermission(int permits) {
        List<Permit> taken = new ArrayList<>();
        while (taken.size() < permits) {
            Optional<Permit> next = prefetch.tryPermit();
            if (next.isEmpty()) {
                break;
            }
            taken.add(next.get());
        }
        return isGranted(taken, permits) ? 0 : -1;
    }

    /** Uses the permits if they are enough, and puts them back otherwise. */
    private boolean isGranted(List<Permit> taken, int permits) {
        boolean isEnough = taken.size() >= permits;
        taken.forEach(isEnough ? Permit::close : Permit::putBack);
        events.publish(
                isEnough ? new RateLimiterOnSuccessEvent(name, permits) : new RateLimiterOnFailureEvent(name, permits));
        return isEnough;
    }

    @Override
    public void drainPermissions() {
        throw new UnsupportedOperationException("the server decides how many permits are left");
    }

    @Override
    public void changeTimeoutDuration(Duration timeout) {
        throw new UnsupportedOperationException("set the maxWait of the prefetch's request");
    }

    @Override
    public void changeLimitForPeriod(int limit) {
        throw new UnsupportedOperationException("change the policy of the workspace");
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public RateLimiterConfig getRateLimiterConfig() {
        return config;
    }

    @Override
    public Map<String, String> getTags() {
        return Map.of();
    }

    @Override
    public Metrics getMetrics() {
        return new Metrics() {
            @Override
            public int getNumberOfWaitingThreads() {
                return prefetch.waiting();
            }

            @Override
            public int getAvailablePermissions() {
                return prefetch.held();
            }
        };
    }

    @Override
    public EventPublisher getEventPublisher() {
        return events;
    }

    /** Passes events on to those who listen. */
    private static final class Events extends EventProcessor<RateLimiterEvent> implements EventPublisher {
        void publish(RateLimiterEvent event) {
            if (hasConsumers()) {
                processEvent(event);
            }
        }

        @Override
        public EventPublisher onSuccess(EventConsumer<RateLimiterOnSuccessEvent> consumer) {
            registerConsumer(RateLimiterOnSuccessEvent.class.getName(), consumer);
            return this;
        }

        @Override
        public EventPublisher onFailure(EventConsumer<RateLimiterOnFailureEvent> consumer) {
            registerConsumer(RateLimiterOnFailureEvent.class.getName(), consumer);
            return this;
        }
    }
}
