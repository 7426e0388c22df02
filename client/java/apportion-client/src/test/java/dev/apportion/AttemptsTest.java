package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AttemptsTest {
    private static final long MS = 1_000_000;

    @Test
    void theServerAnswersBeforeTheClientGivesUp() {
        Attempts attempts = new Attempts(1_000 * MS, 0);
        assertEquals(new Attempts.Attempt(1_000 * MS, 900 * MS), attempts.next(0, false));
        assertEquals(new Attempts.Attempt(300 * MS, 200 * MS), attempts.next(700 * MS, false));
    }

    @Test
    void aRequestThatMayNotWaitHasTimeForTheWay() {
        Attempts attempts = new Attempts(0, 0);
        assertEquals(new Attempts.Attempt(250 * MS, 0), attempts.next(0, false));
    }

    @Test
    void aProbeTakesASecond() {
        assertEquals(new Attempts.Attempt(1_000 * MS, 900 * MS), new Attempts(9_000 * MS, 0).next(0, true));
    }

    @Test
    void aReroutedAttemptIsNotDelayedThreeTimesInARow() {
        Attempts attempts = new Attempts(9_000 * MS, 0);
        for (int at = 0; at < 3; at++) {
            assertEquals(0, attempts.delayNs(0, 0, true));
        }
        assertTrue(attempts.delayNs(0, 0, true) >= 25 * MS);
        assertEquals(0, attempts.delayNs(0, 0, true));
    }

    @Test
    void theLastAttemptIsSentEarlyEnoughToBeAnswered() {
        Attempts attempts = new Attempts(1_000 * MS, 0);
        assertEquals(10 * MS, attempts.delayNs(740 * MS, 0, false));
    }

    @Test
    void aDelayOfTheServerIsKeptEvenIfItEndsTheRequest() {
        Attempts attempts = new Attempts(1_000 * MS, 0);
        long delayNs = attempts.delayNs(100 * MS, 5_000 * MS, false);
        assertEquals(5_000 * MS, delayNs);
        assertTrue(attempts.isOverAfter(100 * MS, delayNs));
        assertFalse(attempts.isOverAfter(100 * MS, 899 * MS));
    }
}
