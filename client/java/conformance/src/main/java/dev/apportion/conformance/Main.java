package dev.apportion.conformance;

import apportion.conformance.v1.DriverRequest;
import apportion.conformance.v1.DriverResponse;
import dev.apportion.Lease;
import dev.apportion.Permit;
import dev.apportion.Prefetch;
import dev.apportion.Quota;
import dev.apportion.RefusedException;
import dev.apportion.Request;
import dev.apportion.observation.ProviderResponse;
import dev.apportion.testing.FakeServer;
import dev.apportion.v1.Reason;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Reads requests until the end of input, and starts each without waiting for those before it. */
public final class Main {
    private final DataOutputStream out =
            new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
    private final Driver driver = new Driver();
    // Its threads end soon, because cases count those that the library leaves behind.
    private final ExecutorService threads =
            new ThreadPoolExecutor(0, Integer.MAX_VALUE, 50, TimeUnit.MILLISECONDS, new SynchronousQueue<>());

    private Main() {}

    /**
     * Runs the driver.
     *
     * @param arguments none
     * @throws Exception if the input or output breaks
     */
    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err);
        warmUp();
        new Main().serve(new DataInputStream(new BufferedInputStream(System.in)));
        Runtime.getRuntime().halt(0);
    }

    /** Loads the classes of the library. A case may give a call 250 ms, which a JVM that has just started does not hold. */
    private static void warmUp() throws Exception {
        try (FakeServer server = FakeServer.start();
                Quota quota = Quota.connect(server.config());
                Lease lease = quota.acquire(Request.of(2));
                Prefetch prefetch = quota.prefetch();
                Permit permit = prefetch.permit()) {
            lease.take();
            permit.observe(ProviderResponse.of(200, Map.of()));
            server.refuse(Reason.REASON_WINDOW_EXHAUSTED, Duration.ofSeconds(1));
            quota.acquire(Request.one());
        } catch (RefusedException expected) {
            // A refusal has classes of its own.
        }
    }

    private void serve(DataInputStream in) throws IOException {
        while (true) {
            byte[] frame;
            try {
                frame = new byte[in.readInt()];
            } catch (EOFException end) {
                return;
            }
            in.readFully(frame);
            DriverRequest request = DriverRequest.parseFrom(frame);
            Running running = driver.start(request);
            threads.execute(() -> answer(request, running));
        }
    }

    private void answer(DriverRequest request, Running running) {
        long start = System.nanoTime();
        DriverResponse.Builder response = running.run(() -> driver.run(request));
        byte[] frame = response.setId(request.getId())
                .setElapsedUs((System.nanoTime() - start) / 1_000)
                .build()
                .toByteArray();
        synchronized (out) {
            try {
                out.writeInt(frame.length);
                out.write(frame);
                out.flush();
            } catch (IOException broken) {
                Runtime.getRuntime().halt(1);
            }
        }
    }
}
