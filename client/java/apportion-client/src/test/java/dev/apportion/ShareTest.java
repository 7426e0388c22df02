package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class ShareTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void itIsABoundInAnySpanOfAWindow() {
        Share share = new Share(10, 4 * SECOND);
        assertEquals(10, share.take(0, 50, 1).granted);
        assertNull(share.take(4 * SECOND, 1, 1), "a permit may have been used until the lease ended, after 1 s");
        assertEquals(10, share.take(5 * SECOND, 50, 1).granted);
    }

    @Test
    void whatComesBackIsFreeAtOnce() {
        Share share = new Share(10, 4 * SECOND);
        Share.Grant grant = share.take(0, 10, 1);
        grant.giveBack(4);
        assertNull(share.take(0, 5, 5));
        assertEquals(4, share.take(0, 5, 1).granted);
    }
}
