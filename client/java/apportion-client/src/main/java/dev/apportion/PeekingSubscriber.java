package dev.apportion;

import dev.apportion.observation.BodyStart;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

/** Passes a body on, and tells its bytes once it has ended, or null once it is too long to be looked at. */
final class PeekingSubscriber<T> implements BodySubscriber<T> {
    private final BodySubscriber<T> subscriber;
    private final BodyStart start;

    PeekingSubscriber(BodySubscriber<T> subscriber, Consumer<byte[]> known) {
        this.subscriber = subscriber;
        start = new BodyStart(known);
    }

    @Override
    public CompletionStage<T> getBody() {
        return subscriber.getBody();
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        subscriber.onSubscribe(subscription);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        buffers.forEach(buffer -> start.add(buffer.asReadOnlyBuffer()));
        subscriber.onNext(buffers);
    }

    @Override
    public void onError(Throwable failed) {
        start.broken();
        subscriber.onError(failed);
    }

    @Override
    public void onComplete() {
        start.ended();
        subscriber.onComplete();
    }
}
