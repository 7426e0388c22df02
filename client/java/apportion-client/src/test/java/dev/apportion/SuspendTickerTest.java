package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SuspendTickerTest {
    private static final long MS = 1_000_000;

    private long monotonicNs = 77;
    private long wallMs = 1_000_000;
    private final SuspendTicker ticker = new SuspendTicker(() -> monotonicNs, () -> wallMs);

    private void pass(long ms) {
        monotonicNs += ms * MS;
        wallMs += ms;
    }

    @Test
    void timePassesAsTheMonotonicClockSays() {
        assertEquals(0, ticker.now());
        pass(250);
        assertEquals(250 * MS, ticker.now());
    }

    @Test
    void aSleepOfTheMachineCounts() {
        pass(100);
        wallMs += 30_000; // nanoTime stood still
        assertEquals(30_100 * MS, ticker.now());
        pass(50);
        assertEquals(30_150 * MS, ticker.now());
    }

    @Test
    void aTimeOfDayThatIsSetBackIsIgnored() {
        pass(100);
        wallMs -= 3_600_000;
        assertEquals(100 * MS, ticker.now());
        wallMs += 2_000; // and a sleep after it counts
        assertEquals(2_100 * MS, ticker.now());
    }

    @Test
    void aClockOfMillisecondsIsNoSleep() {
        for (int at = 0; at < 100; at++) {
            monotonicNs += 300_000;
            wallMs += at % 3 == 0 ? 1 : 0;
            assertEquals((at + 1) * 300_000L, ticker.now());
        }
    }
}
