package dev.apportion;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.function.Consumer;

/**
 * Passes results of the engine on to callers. A result that the caller no longer wants when it comes is given to
 * {@code unwanted}, so that no permit is lost between the two.
 */
final class Futures {
    private static final Executor USERS = ForkJoinPool.commonPool();

    private Futures() {}

    /** Waits for a result, and says how that ended. An interrupted caller cancels it. */
    static <T> T await(CompletableFuture<T> result, Consumer<T> unwanted, Consumer<Throwable> ended)
            throws ApportionException, InterruptedException {
        try {
            T value = result.get();
            ended.accept(null);
            return value;
        } catch (ExecutionException failed) {
            ended.accept(failed.getCause());
            if (failed.getCause() instanceof ApportionException known) {
                throw known.copy();
            }
            throw new IllegalStateException(failed.getCause());
        } catch (InterruptedException interrupted) {
            ended.accept(interrupted);
            if (!result.cancel(false) && !result.isCompletedExceptionally()) {
                unwanted.accept(result.getNow(null));
            }
            throw interrupted;
        }
    }

    /**
     * Returns a future for users, whose continuations never run in the engine's thread. Cancelling it cancels the result. How the
     * wait ended is said before the future completes.
     */
    static <T> CompletableFuture<T> forUsers(
            CompletableFuture<T> result, Consumer<T> unwanted, Consumer<Throwable> ended) {
        CompletableFuture<T> users = new CompletableFuture<>();
        result.whenCompleteAsync(
                (value, failed) -> {
                    ended.accept(failed);
                    boolean isTaken = failed == null
                            ? users.complete(value)
                            : users.completeExceptionally(
                                    failed instanceof ApportionException known ? known.copy() : failed);
                    if (!isTaken && failed == null) {
                        unwanted.accept(value);
                    }
                },
                USERS);
        users.whenComplete((value, failed) -> {
            if (users.isCancelled()) {
                result.cancel(false);
            }
        });
        return users;
    }
}
