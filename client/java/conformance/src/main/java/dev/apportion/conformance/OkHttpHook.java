package dev.apportion.conformance;

import apportion.conformance.v1.Header;
import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Response;
import com.google.protobuf.ByteString;
import dev.apportion.PermitSource;
import dev.apportion.okhttp.PermitInterceptors;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;

/** OkHttp. */
final class OkHttpHook implements HttpHook {
    private static final int SERVICE_UNAVAILABLE = 503;
    private static final int TOO_MANY_REQUESTS = 429;

    private final OkHttpClient client;

    OkHttpHook(HttpOpen open, PermitSource source) {
        OkHttpClient.Builder builder = new OkHttpClient.Builder()
                .followRedirects(open.getFollowRedirects())
                .retryOnConnectionFailure(true);
        if (open.hasTimeoutMs()) {
            builder.callTimeout(Asks.ms(open.getTimeoutMs()));
        }
        if (open.getHttp2()) {
            builder.protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
        }
        if (open.getRetries() > 0) {
            builder.addInterceptor(chain -> retried(chain, open.getRetries()));
        }
        client = PermitInterceptors.addTo(builder, source).build();
    }

    /** Sends again, as the retry interceptors of services do. */
    private static okhttp3.Response retried(Interceptor.Chain chain, int retries) throws IOException {
        for (int left = retries; ; left--) {
            try {
                okhttp3.Response response = chain.proceed(chain.request());
                boolean isFinal = response.code() != TOO_MANY_REQUESTS && response.code() != SERVICE_UNAVAILABLE;
                if (isFinal || left == 0) {
                    return response;
                }
                response.close();
            } catch (IOException failed) {
                if (left == 0 || chain.call().isCanceled()) {
                    throw failed;
                }
            }
        }
    }

    @Override
    public Response send(HttpSend request) throws Exception {
        Request.Builder builder = new Request.Builder().url(request.getUrl());
        boolean needsBody = List.of("POST", "PUT", "PATCH").contains(request.getMethod());
        RequestBody body = request.hasBody() || needsBody
                ? RequestBody.create(request.getBody().toByteArray())
                : null;
        builder.method(request.getMethod(), body);
        request.getHeadersList().forEach(header -> builder.addHeader(header.getName(), header.getValue()));
        return receive(client.newCall(builder.build()));
    }

    /** Cancels the call if the thread is interrupted, as users of OkHttp do: it does not notice that by itself. */
    private static Response receive(Call call) throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<Response> received = new AtomicReference<>();
        AtomicReference<IOException> failure = new AtomicReference<>();
        call.enqueue(new Callback() {
            @Override
            public void onFailure(Call failed, IOException why) {
                failure.set(why);
                ended.countDown();
            }

            @Override
            public void onResponse(Call answered, okhttp3.Response response) {
                try (response) {
                    received.set(message(response));
                } catch (IOException broken) {
                    failure.set(broken);
                }
                ended.countDown();
            }
        });
        try {
            ended.await();
        } catch (InterruptedException interrupted) {
            call.cancel();
            throw interrupted;
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        return received.get();
    }

    private static Response message(okhttp3.Response response) throws IOException {
        Response.Builder message = Response.newBuilder()
                .setStatus(response.code())
                .setBody(ByteString.copyFrom(response.body().bytes()));
        response.headers()
                .forEach(header -> message.addHeaders(
                        Header.newBuilder().setName(header.getFirst()).setValue(header.getSecond())));
        return message.build();
    }

    @Override
    public void close() {
        client.connectionPool().evictAll();
        client.dispatcher().executorService().shutdown();
    }
}
