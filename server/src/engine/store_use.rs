//! How long the ledger's writes to the store took since the start, and how often the store failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets of [`StoreTimes`], in milliseconds. What took longer is in one more.
pub const WRITE_BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// Counts of one process: written by the ledger's thread, read by scrapes.
#[derive(Debug, Default)]
pub(super) struct StoreUse {
    buckets: [AtomicU64; WRITE_BOUNDS_MS.len() + 1],
    total_ns: AtomicU64,
    failures: AtomicU64,
}

/// What [`StoreUse`] counted by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreTimes {
    /// Groups of writes, by how long they took: the first bound of [`WRITE_BOUNDS_MS`] that they did not exceed.
    pub buckets: [u64; WRITE_BOUNDS_MS.len() + 1],
    /// How long they took together.
    pub total: Duration,
    /// How often the store failed after it had worked.
    pub failures: u64,
}

impl StoreUse {
    /// A group of writes took so long, successful or not.
    pub(super) fn wrote(&self, took: Duration) {
        let at = WRITE_BOUNDS_MS.iter().position(|&bound| took <= Duration::from_millis(bound));
        self.buckets[at.unwrap_or(WRITE_BOUNDS_MS.len())].fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The store failed.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn times(&self) -> StoreTimes {
        StoreTimes {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed)),
            total: Duration::from_nanos(self.total_ns.load(Ordering::Relaxed)),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_counts_in_the_first_bucket_that_it_does_not_exceed() {
        let used = StoreUse::default();
        for took_ms in [1, 3, 5, 6_000] {
            used.wrote(Duration::from_millis(took_ms));
        }
        let times = used.times();
        assert_eq!(times.buckets, [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((times.total, times.failures), (Duration::from_millis(6_009), 0));
    }
}
