//! What was taken through RLS of late, so that it can be given back: at most that, by whom it was taken.

use apportion_core::ids::{CallerId, TeamId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most leases of one taker that are remembered; the oldest are forgotten, and their permits count as used.
const OF_TAKER_MAX: usize = 1_024;
/// Most takers; beyond it those whose window has ended are forgotten, and then all.
const TAKERS_MAX: usize = 4_096;

/// Who took permits: the credential, the domain, the team and the caller.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Taker {
    pub(super) identity: String,
    pub(super) domain: String,
    pub(super) team: TeamId,
    pub(super) caller: CallerId,
}

/// Permits that were taken and can still be given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Take {
    /// The lease that they are of.
    pub(super) lease_id: String,
    /// How many permits the lease has.
    pub(super) permits: u32,
    /// How many of them were given back.
    pub(super) returned: u32,
    /// The end of their window: nothing comes back after it.
    pub(super) until: Instant,
}

/// What was taken of late.
#[derive(Debug, Default)]
pub(super) struct Takes(Mutex<HashMap<Taker, VecDeque<Take>>>);

impl Takes {
    /// Remembers a lease.
    pub(super) fn add(
        &self,
        taker: Taker,
        lease_id: String,
        permits: u32,
        valid_for: Duration,
        now: Instant,
    ) {
        let mut takers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if takers.len() >= TAKERS_MAX && !takers.contains_key(&taker) {
            takers.retain(|_, takes| takes.back().is_some_and(|take| take.until > now));
            if takers.len() >= TAKERS_MAX {
                takers.clear();
            }
        }
        let takes = takers.entry(taker).or_default();
        while takes.len() >= OF_TAKER_MAX || takes.front().is_some_and(|take| take.until <= now) {
            takes.pop_front();
        }
        takes.push_back(Take { lease_id, permits, returned: 0, until: now + valid_for });
    }

    /// Gives back so many permits, the newest first, as far as they were taken and their window is open. Returns the leases that they
    /// are of, with what was returned of each so far, and how many of the permits are left over.
    pub(super) fn give_back(&self, taker: &Taker, permits: u32, now: Instant) -> (Vec<Take>, u32) {
        let mut takers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(takes) = takers.get_mut(taker) else { return (Vec::new(), permits) };
        let (mut left, mut given_back) = (permits, Vec::new());
        while left > 0 {
            let Some(mut take) = takes.pop_back().filter(|take| take.until > now) else { break };
            let part = left.min(take.permits - take.returned);
            take.returned += part;
            left -= part;
            given_back.push(take.clone());
            if take.returned < take.permits {
                takes.push_back(take);
            }
        }
        if takes.is_empty() {
            takers.remove(taker);
        }
        (given_back, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn taker(identity: &str) -> Taker {
        Taker {
            identity: identity.into(),
            domain: "mesh".into(),
            team: TeamId::new("sync").expect("a name"),
            caller: CallerId::new("default").expect("a name"),
        }
    }

    fn names(takes: &[Take]) -> Vec<(&str, u32)> {
        takes.iter().map(|take| (&*take.lease_id, take.returned)).collect()
    }

    #[test]
    fn at_most_what_was_taken_comes_back_the_newest_first_and_only_to_who_took_it() {
        let (takes, now) = (Takes::default(), Instant::now());
        takes.add(taker("a"), "1".into(), 2, SECOND, now);
        takes.add(taker("a"), "2".into(), 1, SECOND, now);
        assert_eq!(takes.give_back(&taker("b"), 5, now), (vec![], 5));
        assert_eq!(names(&takes.give_back(&taker("a"), 2, now).0), [("2", 1), ("1", 1)]);
        let (given_back, left) = takes.give_back(&taker("a"), 9, now);
        assert_eq!((names(&given_back), left), (vec![("1", 2)], 8));
        assert_eq!(takes.give_back(&taker("a"), 1, now), (vec![], 1));
    }

    #[test]
    fn nothing_comes_back_after_the_window() {
        let (takes, now) = (Takes::default(), Instant::now());
        takes.add(taker("a"), "1".into(), 1, SECOND, now);
        assert_eq!(takes.give_back(&taker("a"), 1, now + SECOND), (vec![], 1));
    }

    #[test]
    fn leases_and_takers_beyond_the_bounds_are_forgotten() {
        let (takes, now) = (Takes::default(), Instant::now());
        for n in 0..=OF_TAKER_MAX {
            takes.add(taker("a"), n.to_string(), 1, SECOND, now);
        }
        let most = u32::try_from(OF_TAKER_MAX).expect("a number");
        assert_eq!(takes.give_back(&taker("a"), most + 1, now).0.len(), OF_TAKER_MAX);
        for n in 0..=TAKERS_MAX {
            takes.add(taker(&n.to_string()), "1".into(), 1, SECOND, now);
        }
        assert!(takes.0.lock().expect("a lock").len() <= TAKERS_MAX);
        assert_eq!(takes.give_back(&taker(&TAKERS_MAX.to_string()), 1, now).0.len(), 1);
    }
}
