//! Permits that a client grants locally while the server is unreachable, if it is configured to.

use crate::clock::BootInstant;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest life of a local lease. A short one makes its permits free again early.
const LIFE_MAX: Duration = Duration::from_secs(2);

/// A local share of the budget: at most so many permits in any span as long as a window.
///
/// The provider's windows are not known, so every span counts. A permit is free again one window after its lease ended, which is
/// after its latest possible use. A permit that comes back unused is free at once.
#[derive(Debug)]
pub(crate) struct LocalShare {
    permits: u32,
    window: Duration,
    granted: Mutex<LocalGrants>,
}

/// What was granted and is not free again, by the number of the grant.
#[derive(Debug, Default)]
struct LocalGrants {
    grants: BTreeMap<u64, OpenGrant>,
    next: u64,
}

#[derive(Debug)]
struct OpenGrant {
    permits: u32,
    free_at: BootInstant,
}

/// Permits of a share that were granted together. They can be given back unused.
#[derive(Debug)]
pub(crate) struct ShareGrant {
    share: Arc<LocalShare>,
    number: u64,
    pub(crate) permits: u32,
    pub(crate) end: BootInstant,
}

impl LocalShare {
    pub(crate) fn new(permits: u32, window: Duration) -> Arc<Self> {
        Arc::new(Self { permits, window, granted: Mutex::default() })
    }

    /// Grants up to `max` permits. None if fewer than `min` are free.
    pub(crate) fn take(self: &Arc<Self>, now: BootInstant, max: u32, min: u32) -> Option<ShareGrant> {
        let mut granted = self.granted();
        granted.grants.retain(|_, grant| now < grant.free_at);
        let taken = granted.grants.values().fold(0, |sum: u32, grant| sum.saturating_add(grant.permits));
        let permits = max.min(self.permits.saturating_sub(taken));
        if permits < min.max(1) {
            return None;
        }
        let end = now.after((self.window / 4).min(LIFE_MAX));
        let number = granted.next;
        granted.next += 1;
        granted.grants.insert(number, OpenGrant { permits, free_at: end.after(self.window) });
        Some(ShareGrant { share: Arc::clone(self), number, permits, end })
    }

    fn granted(&self) -> MutexGuard<'_, LocalGrants> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShareGrant {
    /// Gives permits back that will not be used.
    pub(crate) fn give_back(&self, unused: u32) {
        if let Some(grant) = self.share.granted().grants.get_mut(&self.number) {
            grant.permits = grant.permits.saturating_sub(unused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> BootInstant {
        BootInstant::from_nanos(ms * 1_000_000)
    }

    fn share(permits: u32) -> Arc<LocalShare> {
        LocalShare::new(permits, Duration::from_millis(1_000))
    }

    #[test]
    fn a_permit_is_free_again_one_window_after_the_end_of_its_lease() {
        let share = share(3);
        let first = share.take(at_ms(5_000), 2, 2).expect("two of three");
        assert_eq!((first.permits, first.end), (2, at_ms(5_250)));
        let second = share.take(at_ms(5_900), 2, 1).expect("one is left");
        assert_eq!((second.permits, second.end), (1, at_ms(6_150)));
        assert!(share.take(at_ms(6_249), 1, 1).is_none());
        assert_eq!(share.take(at_ms(6_250), 9, 1).map(|grant| grant.permits), Some(2), "those of the first");
        assert!(share.take(at_ms(7_149), 1, 1).is_none());
        assert_eq!(share.take(at_ms(7_150), 9, 1).map(|grant| grant.permits), Some(1));
    }

    #[test]
    fn no_span_as_long_as_a_window_contains_more_than_the_share() {
        let share = share(50);
        let mut uses = Vec::new();
        for ms in (0..20_000).step_by(7) {
            if let Some(grant) = share.take(at_ms(ms), 1 + u32::try_from(ms % 9).expect("small"), 1) {
                // Each permit is used as late as it may be, or at once.
                let used_ms = if ms % 2 == 0 { grant.end.nanos() / 1_000_000 - 1 } else { ms };
                uses.push((used_ms, grant.permits));
            }
        }
        let within = |start: u64| {
            uses.iter().filter(|(ms, _)| (start..start + 1_000).contains(ms)).map(|(_, n)| n).sum::<u32>()
        };
        let most = (0..20_000).map(within).max().expect("some");
        assert_eq!(most, 50, "the share is used and never exceeded");
    }

    #[test]
    fn a_permit_that_comes_back_unused_is_free_at_once() {
        let share = share(50);
        for ms in 0..100 {
            let grant = share.take(at_ms(ms), 50, 1).expect("none was used so far");
            grant.give_back(50);
        }
    }

    #[test]
    fn a_permit_that_comes_back_late_does_not_count_twice() {
        let share = share(2);
        let late = share.take(at_ms(1_000), 2, 2).expect("both");
        let _next = share.take(at_ms(2_250), 2, 2).expect("both are free again");
        late.give_back(2);
        assert!(share.take(at_ms(2_251), 1, 1).is_none());
    }

    #[test]
    fn fewer_than_the_minimum_are_not_granted() {
        let share = share(3);
        assert!(share.take(at_ms(1_000), 5, 4).is_none());
        assert!(share.take(at_ms(1_000), 0, 0).is_none());
        assert_eq!(share.take(at_ms(1_000), 5, 3).map(|grant| grant.permits), Some(3));
    }
}
