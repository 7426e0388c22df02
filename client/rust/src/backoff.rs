//! Exponential backoff with jitter, so that clients of a server that restarts do not all retry at once.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// The delays between the attempts of one request.
#[derive(Debug)]
pub(crate) struct Backoff {
    /// The upper bound of the next delay.
    bound: Duration,
    random: RandomState,
    attempts: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { bound: FIRST, random: RandomState::new(), attempts: 0 }
    }

    /// Returns the next delay, at least `min`.
    pub(crate) fn next(&mut self, min: Duration) -> Duration {
        self.attempts += 1;
        let jitter = self.random.hash_one(self.attempts) % 1024;
        let delay = self.bound.mul_f64(0.5 + f64::from(u32::try_from(jitter).unwrap_or(0)) / 2048.0);
        self.bound = (self.bound * 2).min(LONGEST);
        delay.max(min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound_and_are_never_below_the_minimum() {
        let mut backoff = Backoff::new();
        let delays: Vec<_> = (0..10).map(|_| backoff.next(Duration::ZERO)).collect();
        for (at, delay) in delays.iter().enumerate() {
            let bound = (FIRST * 2_u32.pow(u32::try_from(at).expect("few"))).min(LONGEST);
            assert!(*delay >= bound / 2 && *delay <= bound, "{at}: {delay:?} of {bound:?}");
        }
        assert_eq!(backoff.next(Duration::from_secs(9)), Duration::from_secs(9));
    }
}
