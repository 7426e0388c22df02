//! How long to wait before the next attempt: twice as long each time, and a random part of it, so that clients of a service
//! that comes back do not all come at once.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// The waits of one request.
#[derive(Debug)]
pub(crate) struct Backoff {
    most: Duration,
    random: RandomState,
    attempts: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { most: FIRST, random: RandomState::new(), attempts: 0 }
    }

    /// The next wait, not below `least`.
    pub(crate) fn next(&mut self, least: Duration) -> Duration {
        self.attempts += 1;
        let part = self.random.hash_one(self.attempts) % 1024;
        let wait = self.most.mul_f64(0.5 + f64::from(u32::try_from(part).unwrap_or(0)) / 2048.0);
        self.most = (self.most * 2).min(LONGEST);
        wait.max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_never_below_what_the_service_asks_for() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.next(Duration::ZERO)).collect();
        for (at, wait) in waits.iter().enumerate() {
            let most = (FIRST * 2_u32.pow(u32::try_from(at).expect("few"))).min(LONGEST);
            assert!(*wait >= most / 2 && *wait <= most, "{at}: {wait:?} of {most:?}");
        }
        assert_eq!(backoff.next(Duration::from_secs(9)), Duration::from_secs(9));
    }
}
