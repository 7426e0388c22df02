package dev.apportion.okhttp;

import dev.apportion.ApportionException;
import dev.apportion.NoPermitException;
import dev.apportion.Permit;
import dev.apportion.PermitSource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.Call;

/** Waits for permits on behalf of calls. */
final class CallPermits {
    /** How often a call is asked whether it was cancelled, or has timed out: it does not say so by itself. */
    private static final long LOOK_MS = 20;

    private CallPermits() {}

    static Permit wait(PermitSource source, Call call) throws IOException {
        CompletableFuture<Permit> waiting = source.permitAsync();
        try {
            while (true) {
                try {
                    return waiting.get(LOOK_MS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException notYet) {
                    if (call.isCanceled()) {
                        giveUp(waiting);
                        throw new IOException("Canceled");
                    }
                }
            }
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof ApportionException none
                    ? new NoPermitException(none)
                    : new IOException(failed);
        } catch (InterruptedException interrupted) {
            giveUp(waiting);
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a permit");
        }
    }

    private static void giveUp(CompletableFuture<Permit> waiting) {
        if (!waiting.cancel(false) && !waiting.isCompletedExceptionally()) {
            waiting.join().putBack();
        }
    }
}
