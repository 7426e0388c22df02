package dev.apportion.observation;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/** Collects the start of a body that passes by, for hooks of HTTP clients. It tells once what it knows. */
public final class BodyStart {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Consumer<byte[]> known;
    private boolean isKnown;

    /**
     * Creates a collector.
     *
     * @param known receives the body once it has ended; null if it is too long to be looked at, or breaks
     */
    public BodyStart(Consumer<byte[]> known) {
        this.known = known;
    }

    /**
     * Adds a part of the body.
     *
     * @param part the bytes, which are read
     */
    public void add(ByteBuffer part) {
        byte[] next = new byte[part.remaining()];
        part.get(next);
        synchronized (this) {
            if (isKnown) {
                return;
            }
            bytes.writeBytes(next);
            if (bytes.size() <= ProviderResponse.BODY_MAX) {
                return;
            }
        }
        tell(false);
    }

    /** Says that the body has ended. */
    public void ended() {
        tell(true);
    }

    /** Says that the rest of the body will not come. */
    public void broken() {
        tell(false);
    }

    private void tell(boolean isWhole) {
        synchronized (this) {
            if (isKnown) {
                return;
            }
            isKnown = true;
        }
        known.accept(isWhole ? bytes.toByteArray() : null);
    }
}
