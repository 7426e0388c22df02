package dev.apportion.okhttp;

import dev.apportion.Permit;
import java.util.concurrent.atomic.AtomicReference;

/** The permit that a call waited for, until its first attempt uses it. */
final class HeldPermit {
    private final AtomicReference<Permit> permit;

    HeldPermit(Permit permit) {
        this.permit = new AtomicReference<>(permit);
    }

    /** Takes the permit; null if it was taken before, or its lease has ended. */
    Permit take() {
        Permit taken = permit.getAndSet(null);
        if (taken != null && taken.validFor().isZero()) {
            taken.putBack();
            return null;
        }
        return taken;
    }

    /** Puts the permit back that no attempt has used. */
    void putBackUnused() {
        Permit unused = permit.getAndSet(null);
        if (unused != null) {
            unused.putBack();
        }
    }
}
