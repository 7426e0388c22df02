//! The permits of one lease: taken, put back and returned, never at or after its end. Does no I/O and reads no clock.

use crate::clock::BootInstant;
use std::sync::atomic::{AtomicU32, Ordering};

/// The bit that marks a closed pool, from which nothing can be taken.
const CLOSED: u32 = 1 << 31;

/// A lock-free pool of the permits of one lease. No permit can be taken at or after the end of the lease.
#[derive(Debug)]
pub struct PermitPool {
    left: AtomicU32,
    permits: u32,
    end: BootInstant,
}

impl PermitPool {
    /// Creates a pool of the permits of a lease that ends at `end`. Capacity is at most 2^31 - 1 permits; more are cut off.
    pub const fn new(permits: u32, end: BootInstant) -> Self {
        let permits = if permits < CLOSED { permits } else { CLOSED - 1 };
        Self { left: AtomicU32::new(permits), permits, end }
    }

    /// Takes one permit. Returns false if none is left or the lease has ended.
    #[must_use]
    pub fn take(&self, now: BootInstant) -> bool {
        self.take_one(now).is_some()
    }

    /// Takes one permit and returns how many are left.
    pub(crate) fn take_one(&self, now: BootInstant) -> Option<u32> {
        if now >= self.end {
            return None;
        }
        let less = |left: u32| if left & CLOSED == 0 { left.checked_sub(1) } else { None };
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|before| before - 1)
    }

    /// Puts back a permit that was taken and not used. Returns false if the pool is closed; then the permit must be returned on
    /// its own.
    #[must_use]
    pub fn put_back(&self) -> bool {
        let more = |left: u32| (left & CLOSED == 0 && left < self.permits).then(|| left + 1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Removes up to `max` permits to return them to the server, and returns how many.
    #[must_use]
    pub fn remove(&self, max: u32) -> u32 {
        let less = |left: u32| (left & CLOSED == 0).then(|| left.saturating_sub(max));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map_or(0, |before| before.min(max))
    }

    /// Closes the pool and returns how many permits were left, for the caller to return to the server.
    #[must_use]
    pub fn close(&self) -> u32 {
        count(self.left.swap(CLOSED, Ordering::Relaxed))
    }

    /// Returns the number of permits that can be taken.
    pub fn left(&self) -> u32 {
        count(self.left.load(Ordering::Relaxed))
    }

    /// Returns the number of permits of the lease.
    pub const fn permits(&self) -> u32 {
        self.permits
    }

    /// Returns the end of the lease.
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
    fn no_permit_is_taken_at_the_end() {
        let pool = PermitPool::new(2, END);
        assert!(pool.take(BootInstant::from_nanos(99)));
        assert!(!pool.take(END));
        assert_eq!(pool.left(), 1);
    }

    #[test]
    fn concurrent_takes_never_exceed_the_permits() {
        let pool = PermitPool::new(1000, END);
        let taker = || (0..400).filter(|_| pool.take(BootInstant::from_nanos(1))).count();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(taker)).collect();
            takers.into_iter().map(|taker| taker.join().expect("a taker does not panic")).sum()
        });
        assert_eq!(taken, 1000);
    }

    #[test]
    fn closing_returns_the_remaining_permits_once() {
        let pool = PermitPool::new(3, END);
        assert!(pool.take(BootInstant::from_nanos(1)));
        assert_eq!((pool.close(), pool.close()), (2, 0));
        assert!(!pool.take(BootInstant::from_nanos(1)));
    }

    #[test]
    fn a_permit_put_back_can_be_taken_again_until_the_pool_is_closed() {
        let pool = PermitPool::new(2, END);
        let now = BootInstant::from_nanos(1);
        assert!(pool.take(now) && pool.take(now) && !pool.take(now));
        assert!(pool.put_back() && pool.take(now));
        assert_eq!(pool.close(), 0);
        assert!(!pool.put_back(), "it must be returned on its own");
        assert_eq!(pool.left(), 0);
    }

    #[test]
    fn no_more_is_put_back_than_was_taken() {
        let pool = PermitPool::new(1, END);
        assert!(!pool.put_back());
        assert_eq!(pool.left(), 1);
    }

    #[test]
    fn some_permits_can_be_removed() {
        let pool = PermitPool::new(5, END);
        assert_eq!((pool.remove(2), pool.left()), (2, 3));
        assert_eq!((pool.remove(9), pool.left(), pool.remove(1)), (3, 0, 0));
        assert_eq!(pool.close(), 0);
    }
}
