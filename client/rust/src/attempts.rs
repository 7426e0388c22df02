//! When the attempts of one request are sent, how long each may take, and when the request ends. A function of now.

use crate::backoff::Backoff;
use crate::clock::BootInstant;
use std::time::Duration;

/// A request has at least so long for the way to the server and back, even if it may not wait there.
const LEAST: Duration = Duration::from_millis(250);
/// How long before the end of an attempt the server must have answered, so that a late answer is not taken for an outage.
const ANSWER_MARGIN: Duration = Duration::from_millis(100);
/// How long an attempt may take while the server is known to be unreachable and a local share could be used instead.
const PROBE: Duration = Duration::from_secs(1);
/// How often in a row an attempt is repeated at once.
const AT_ONCE_MAX: u32 = 3;

/// One attempt: how long the call may take, and how long the server may let the request wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    pub(crate) timeout: Duration,
    pub(crate) wait: Duration,
}

/// The attempts of one request.
#[derive(Debug)]
pub(crate) struct Attempts {
    max_wait: Duration,
    start: BootInstant,
    backoff: Backoff,
    at_once: u32,
}

impl Attempts {
    pub(crate) fn new(now: BootInstant, max_wait: Duration) -> Self {
        Self { max_wait, start: now, backoff: Backoff::new(), at_once: 0 }
    }

    /// When the request ends without an answer.
    pub(crate) fn end(&self) -> BootInstant {
        self.start.after(self.max_wait.max(LEAST))
    }

    /// The attempt that is sent now. While `is_probe`, it only finds out whether the server is reachable again.
    pub(crate) fn next(&self, now: BootInstant, is_probe: bool) -> Attempt {
        let left = self.end().since(now);
        let timeout = if is_probe { left.min(PROBE) } else { left };
        let allowed = self.start.after(self.max_wait).since(now);
        Attempt { timeout, wait: allowed.min(timeout.saturating_sub(ANSWER_MARGIN)) }
    }

    /// How long to wait before the next attempt, at least `min`. Nothing if it is rerouted, within reason. The last attempt is
    /// sent early enough to be answered.
    pub(crate) fn delay(&mut self, now: BootInstant, min: Duration, is_rerouted: bool) -> Duration {
        if is_rerouted && self.at_once < AT_ONCE_MAX {
            self.at_once += 1;
            return Duration::ZERO;
        }
        self.at_once = 0;
        let left = self.end().since(now).saturating_sub(LEAST);
        let delay = self.backoff.next(min);
        if delay > left && left > min { left } else { delay }
    }

    /// Whether an attempt after the delay would come too late.
    pub(crate) fn is_over_after(&self, now: BootInstant, delay: Duration) -> bool {
        now.after(delay) >= self.end()
    }

    /// Starts the request's time anew, because it waits for the server however long that takes.
    pub(crate) fn restart(&mut self, now: BootInstant) {
        self.start = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> BootInstant {
        BootInstant::from_nanos(ms * 1_000_000)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn attempt(max_wait_ms: u64, after_ms: u64) -> (u128, u128) {
        let attempt = Attempts::new(at_ms(5_000), ms(max_wait_ms)).next(at_ms(5_000 + after_ms), false);
        (attempt.timeout.as_millis(), attempt.wait.as_millis())
    }

    #[test]
    fn an_attempt_ends_with_its_request_and_the_server_answers_a_little_earlier() {
        assert_eq!(attempt(10_000, 0), (10_000, 9_900));
        assert_eq!(attempt(10_000, 9_000), (1_000, 900));
        assert_eq!(attempt(1_000, 950), (50, 0));
        assert_eq!(attempt(1_000, 1_001), (0, 0));
    }

    #[test]
    fn a_short_request_has_time_for_the_way_there_and_back() {
        assert_eq!(attempt(0, 0), (250, 0));
        assert_eq!(attempt(100, 0), (250, 100));
        assert_eq!(attempt(200, 0), (250, 150));
    }

    #[test]
    fn a_probe_is_short() {
        let attempts = Attempts::new(at_ms(5_000), ms(10_000));
        assert_eq!(attempts.next(at_ms(5_000), true), Attempt { timeout: ms(1_000), wait: ms(900) });
    }

    #[test]
    fn an_attempt_that_goes_elsewhere_is_not_delayed_three_times_in_a_row() {
        let mut attempts = Attempts::new(at_ms(0), ms(10_000));
        for _ in 0..2 {
            for _ in 0..3 {
                assert_eq!(attempts.delay(at_ms(0), ms(0), true), ms(0));
            }
            assert!(attempts.delay(at_ms(0), ms(0), true) > ms(0));
        }
        assert!(attempts.delay(at_ms(0), ms(700), false) >= ms(700));
    }

    #[test]
    fn the_last_attempt_is_sent_early_enough_to_be_answered() {
        let mut attempts = Attempts::new(at_ms(0), ms(1_000));
        assert_eq!(attempts.delay(at_ms(740), ms(0), false), ms(10));
        assert!(attempts.delay(at_ms(750), ms(0), false) > ms(10), "that was the last one");
        assert_eq!(Attempts::new(at_ms(0), ms(1_000)).delay(at_ms(740), ms(900), false), ms(900));
    }

    #[test]
    fn a_request_is_over_if_its_next_attempt_would_come_at_its_end() {
        let attempts = Attempts::new(at_ms(0), ms(1_000));
        assert!(!attempts.is_over_after(at_ms(500), ms(499)));
        assert!(attempts.is_over_after(at_ms(500), ms(500)));
    }
}
