package dev.apportion.conformance;

import apportion.conformance.v1.DriverResponse;
import java.util.concurrent.Callable;

/** An operation in flight, which may be interrupted until it is done. */
final class Running {
    private final Runnable done;
    private Thread thread;
    private boolean isCancelled;

    Running(Runnable done) {
        this.done = done;
    }

    DriverResponse.Builder run(Callable<DriverResponse.Builder> operation) {
        synchronized (this) {
            thread = Thread.currentThread();
            if (isCancelled) {
                thread.interrupt();
            }
        }
        try {
            return operation.call();
        } catch (Exception | Error failed) {
            return Answers.failed(failed);
        } finally {
            synchronized (this) {
                thread = null;
                Thread.interrupted();
            }
            done.run();
        }
    }

    synchronized void cancel() {
        isCancelled = true;
        if (thread != null) {
            thread.interrupt();
        }
    }
}
