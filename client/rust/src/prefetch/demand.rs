//! How many permits were taken lately. Counts, and reads no clock.

use crate::clock::BootInstant;
use std::time::Duration;

/// How long a permit that was taken counts as recent.
pub(crate) const RECENT: Duration = Duration::from_millis(500);
const SLICES: usize = 10;
const SLICE_NS: u64 = 50_000_000;

/// The permits of the last half second, in slices of 50 ms.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    slices: [u32; SLICES],
    /// The number of the latest slice.
    latest: u64,
}

impl Demand {
    /// Counts permits that were taken up to `now`.
    pub(crate) fn note(&mut self, now: BootInstant, taken: u32) {
        self.forget(now);
        let slice = &mut self.slices[place(self.latest)];
        *slice = slice.saturating_add(taken);
    }

    /// Permits taken in the last half second, up to a slice less.
    pub(crate) fn recent(&mut self, now: BootInstant) -> u32 {
        self.forget(now);
        self.slices.iter().fold(0, |sum: u32, taken| sum.saturating_add(*taken))
    }

    /// Permits that will be taken within `horizon` if it goes on like this; rounded down, and no more than were taken lately.
    pub(crate) fn ahead(&mut self, now: BootInstant, horizon: Duration) -> u32 {
        let recent = self.recent(now);
        let ahead = u128::from(recent) * horizon.min(RECENT).as_nanos() / RECENT.as_nanos();
        u32::try_from(ahead).unwrap_or(recent)
    }

    fn forget(&mut self, now: BootInstant) {
        let latest = (now.nanos() / SLICE_NS).max(self.latest);
        let passed = usize::try_from(latest - self.latest).unwrap_or(SLICES).min(SLICES);
        for back in 0..passed {
            self.slices[place(latest.saturating_sub(u64::try_from(back).unwrap_or(0)))] = 0;
        }
        self.latest = latest;
    }
}

fn place(slice: u64) -> usize {
    usize::try_from(slice % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> BootInstant {
        BootInstant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn permits_count_for_half_a_second() {
        let mut demand = Demand::default();
        demand.note(at_ms(1_000), 3);
        demand.note(at_ms(1_010), 2);
        demand.note(at_ms(1_300), 7);
        assert_eq!(demand.recent(at_ms(1_499)), 12);
        assert_eq!(demand.recent(at_ms(1_500)), 7);
        assert_eq!(demand.recent(at_ms(1_800)), 0);
    }

    #[test]
    fn a_long_pause_forgets_everything() {
        let mut demand = Demand::default();
        demand.note(at_ms(1_000), 3);
        assert_eq!(demand.recent(at_ms(1_000_000_000)), 0);
    }

    #[test]
    fn ahead_is_the_rate_times_the_horizon_and_never_more_than_was_taken() {
        let mut demand = Demand::default();
        demand.note(at_ms(1_000), 50);
        let ahead = |demand: &mut Demand, ms| demand.ahead(at_ms(1_000), Duration::from_millis(ms));
        assert_eq!(ahead(&mut demand, 100), 10);
        assert_eq!(ahead(&mut demand, 9), 0, "less than one permit is none");
        assert_eq!(ahead(&mut demand, 60_000), 50);
    }
}
