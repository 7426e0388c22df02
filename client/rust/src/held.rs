//! Permits of one lease that are held here, and how many were handed on. Knows no network and reads no clock.

use crate::clock::BootInstant;
use std::sync::atomic::{AtomicU32, Ordering};

/// Set once all that was left was taken back: nothing comes after it.
const CLOSED: u32 = 1 << 31;

/// The permits of one lease. A permit is spent when it is taken, and none is taken at or after the lease's end.
#[derive(Debug)]
pub struct Held {
    left: AtomicU32,
    permits: u32,
    end: BootInstant,
}

impl Held {
    /// Holds the permits of a lease that ends at `end`; of more than 2^31 - 1, that many.
    pub const fn new(permits: u32, end: BootInstant) -> Self {
        let permits = if permits < CLOSED { permits } else { CLOSED - 1 };
        Self { left: AtomicU32::new(permits), permits, end }
    }

    /// Hands one permit on; false if none is left or the lease has ended. Lock-free.
    #[must_use]
    pub fn take(&self, now: BootInstant) -> bool {
        self.take_one(now).is_some()
    }

    /// Hands one permit on, and tells how many are left then.
    pub(crate) fn take_one(&self, now: BootInstant) -> Option<u32> {
        if now >= self.end {
            return None;
        }
        let less = |left: u32| if left & CLOSED == 0 { left.checked_sub(1) } else { None };
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|before| before - 1)
    }

    /// Takes a permit in again that was handed on and never used; false if all was taken back before, so that this one has
    /// to be returned by itself.
    #[must_use]
    pub fn put_back(&self) -> bool {
        let more = |left: u32| (left & CLOSED == 0 && left < self.permits).then(|| left + 1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Takes back up to `most` of what was never handed on, so that it can be returned.
    #[must_use]
    pub fn take_back(&self, most: u32) -> u32 {
        let less = |left: u32| (left & CLOSED == 0).then(|| left.saturating_sub(most));
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_or(0, |before| before.min(most))
    }

    /// Takes back all that was never handed on, so that it can be returned: nothing is left to take.
    #[must_use]
    pub fn close(&self) -> u32 {
        count(self.left.swap(CLOSED, Ordering::Relaxed))
    }

    /// The permits that are neither handed on nor taken back.
    pub fn left(&self) -> u32 {
        count(self.left.load(Ordering::Relaxed))
    }

    /// The permits of the lease.
    pub const fn permits(&self) -> u32 {
        self.permits
    }

    /// When the lease ends.
    pub const fn end(&self) -> BootInstant {
        self.end
    }
}

fn count(left: u32) -> u32 {
    if left & CLOSED == 0 { left } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: BootInstant = BootInstant::from_nanos(100);

    #[test]
    fn no_permit_is_handed_on_at_the_end() {
        let held = Held::new(2, END);
        assert!(held.take(BootInstant::from_nanos(99)));
        assert!(!held.take(END));
        assert_eq!(held.left(), 1);
    }

    #[test]
    fn threads_together_take_no_more_than_there_is() {
        let held = Held::new(1000, END);
        let taker = || (0..400).filter(|_| held.take(BootInstant::from_nanos(1))).count();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(taker)).collect();
            takers.into_iter().map(|taker| taker.join().expect("a taker does not panic")).sum()
        });
        assert_eq!(taken, 1000);
    }

    #[test]
    fn closing_gives_back_once_what_was_not_handed_on() {
        let held = Held::new(3, END);
        assert!(held.take(BootInstant::from_nanos(1)));
        assert_eq!((held.close(), held.close()), (2, 0));
        assert!(!held.take(BootInstant::from_nanos(1)));
    }

    #[test]
    fn what_is_put_back_can_be_taken_again_until_it_is_closed() {
        let held = Held::new(2, END);
        let now = BootInstant::from_nanos(1);
        assert!(held.take(now) && held.take(now) && !held.take(now));
        assert!(held.put_back() && held.take(now));
        assert_eq!(held.close(), 0);
        assert!(!held.put_back(), "it has to be returned by itself");
        assert_eq!(held.left(), 0);
    }

    #[test]
    fn no_more_is_put_back_than_was_handed_on() {
        let held = Held::new(1, END);
        assert!(!held.put_back());
        assert_eq!(held.left(), 1);
    }

    #[test]
    fn a_part_can_be_taken_back() {
        let held = Held::new(5, END);
        assert_eq!((held.take_back(2), held.left()), (2, 3));
        assert_eq!((held.take_back(9), held.left(), held.take_back(1)), (3, 0, 0));
        assert_eq!(held.close(), 0);
    }
}
