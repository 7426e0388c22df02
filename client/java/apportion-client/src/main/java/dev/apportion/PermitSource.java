package dev.apportion;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;

/** Where permits come from: a {@link Prefetch}, or {@link Quota#source}, which makes a call for each. */
public interface PermitSource {
    /**
     * Takes one permit, and waits for it.
     *
     * @return the permit, to be closed when its request was sent
     * @throws ApportionException if there is none; its class says why
     * @throws InterruptedException if the thread is interrupted; nothing is taken then
     */
    Permit permit() throws ApportionException, InterruptedException;

    /**
     * Takes one permit without blocking the thread.
     *
     * @return a future that fails with an {@link ApportionException}. Whoever cancels it takes nothing
     */
    CompletableFuture<Permit> permitAsync();

    /**
     * Takes one permit where only failures of input and output may be thrown, as in hooks of HTTP clients.
     *
     * @return the permit, to be closed when its request was sent
     * @throws NoPermitException if there is none
     * @throws InterruptedIOException if the thread is interrupted, as it still is then
     * @throws IOException in both cases
     */
    default Permit permitForIo() throws IOException {
        try {
            return permit();
        } catch (ApportionException none) {
            throw new NoPermitException(none);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            InterruptedIOException ended = new InterruptedIOException("interrupted while waiting for a permit");
            ended.initCause(interrupted);
            throw ended;
        }
    }
}
