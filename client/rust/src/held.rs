//! Permits of one lease that are held here, and how many were handed on. Knows no network and reads no clock.

use crate::clock::BootInstant;
use std::sync::atomic::{AtomicU32, Ordering};

/// The permits of one lease. A permit is spent when it is taken, and none is taken at or after the lease's end.
#[derive(Debug)]
pub struct Held {
    left: AtomicU32,
    permits: u32,
    end: BootInstant,
}

impl Held {
    /// Holds the permits of a lease that ends at `end`.
    pub const fn new(permits: u32, end: BootInstant) -> Self {
        Self { left: AtomicU32::new(permits), permits, end }
    }

    /// Hands one permit on; false if none is left or the lease has ended. Lock-free.
    #[must_use]
    pub fn take(&self, now: BootInstant) -> bool {
        let less = |left: u32| left.checked_sub(1);
        now < self.end && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Takes back all that was never handed on, so that it can be returned: nothing is left to take.
    #[must_use]
    pub fn close(&self) -> u32 {
        self.left.swap(0, Ordering::Relaxed)
    }

    /// The permits that are neither handed on nor taken back.
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// The permits of the lease.
    pub const fn permits(&self) -> u32 {
        self.permits
    }
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
}
