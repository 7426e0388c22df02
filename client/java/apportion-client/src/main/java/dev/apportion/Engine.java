package dev.apportion;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The one thread of a client: it sends, repeats, reports and keeps times. It starts with the first task, ends a second after
 * the last one, and keeps no process alive.
 */
final class Engine implements Executor {
    private static final Logger LOGGER = System.getLogger("dev.apportion");

    private final ScheduledThreadPoolExecutor thread;

    Engine() {
        thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread started = new Thread(task, "apportion");
            started.setDaemon(true);
            return started;
        });
        thread.setKeepAliveTime(1, TimeUnit.SECONDS);
        thread.allowCoreThreadTimeOut(true);
        thread.setRemoveOnCancelPolicy(true);
    }

    @Override
    public void execute(Runnable task) {
        thread.execute(logged(task));
    }

    /** Runs a task after a delay, unless it is cancelled. */
    Future<?> after(long delayNs, Runnable task) {
        return thread.schedule(logged(task), delayNs, TimeUnit.NANOSECONDS);
    }

    /** The executor keeps what a task throws to itself. */
    private static Runnable logged(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException | Error failed) {
                LOGGER.log(Level.ERROR, "a task of the client failed; please report this", failed);
                throw failed;
            }
        };
    }
}
