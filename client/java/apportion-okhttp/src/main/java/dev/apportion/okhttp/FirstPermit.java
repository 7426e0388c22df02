package dev.apportion.okhttp;

import dev.apportion.PermitSource;
import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Response;

/** Waits for the permit of the first attempt, before a connection is taken for it. */
final class FirstPermit implements Interceptor {
    private final PermitSource source;

    FirstPermit(PermitSource source) {
        this.source = source;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        HeldPermit held = new HeldPermit(CallPermits.wait(source, chain.call()));
        try {
            return chain.proceed(
                    chain.request().newBuilder().tag(HeldPermit.class, held).build());
        } finally {
            held.putBackUnused();
        }
    }
}
