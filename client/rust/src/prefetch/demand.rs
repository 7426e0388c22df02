//! The number of permits taken recently. Reads no clock.

use crate::clock::BootInstant;
use std::time::Duration;

/// How long a taken permit counts as recent.
const RECENT: Duration = Duration::from_millis(500);
const SLICES: usize = 10;
const SLICE_NS: u64 = 50_000_000;

/// The permits taken in the last half second, in slices of 50 ms.
#[derive(Debug, Default)]
pub(super) struct RecentDemand {
    slices: [u32; SLICES],
    /// The number of the latest slice.
    latest: u64,
}

impl RecentDemand {
    /// Counts permits that were taken up to `now`.
    pub(super) fn record(&mut self, now: BootInstant, taken: u32) {
        self.advance(now);
        let slice = &mut self.slices[index(self.latest)];
        *slice = slice.saturating_add(taken);
    }

    /// The permits taken in the last half second, or up to one slice less.
    fn recent(&mut self, now: BootInstant) -> u32 {
        self.advance(now);
        self.slices.iter().fold(0, |sum: u32, taken| sum.saturating_add(*taken))
    }

    /// The permits that will be taken within `horizon` at the recent rate. Rounded down, and at most the permits taken recently.
    pub(super) fn forecast(&mut self, now: BootInstant, horizon: Duration) -> u32 {
        let recent = self.recent(now);
        let forecast = u128::from(recent) * horizon.min(RECENT).as_nanos() / RECENT.as_nanos();
        u32::try_from(forecast).unwrap_or(recent)
    }

    fn advance(&mut self, now: BootInstant) {
        let latest = (now.nanos() / SLICE_NS).max(self.latest);
        let passed = usize::try_from(latest - self.latest).unwrap_or(SLICES).min(SLICES);
        for back in 0..passed {
            self.slices[index(latest.saturating_sub(u64::try_from(back).unwrap_or(0)))] = 0;
        }
        self.latest = latest;
    }
}

fn index(slice: u64) -> usize {
    usize::try_from(slice % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> BootInstant {
        BootInstant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_taken_permit_counts_for_half_a_second() {
        let mut demand = RecentDemand::default();
        demand.record(at_ms(1_000), 3);
        demand.record(at_ms(1_010), 2);
        demand.record(at_ms(1_300), 7);
        assert_eq!(demand.recent(at_ms(1_499)), 12);
        assert_eq!(demand.recent(at_ms(1_500)), 7);
        assert_eq!(demand.recent(at_ms(1_800)), 0);
    }

    #[test]
    fn a_long_pause_clears_all_slices() {
        let mut demand = RecentDemand::default();
        demand.record(at_ms(1_000), 3);
        assert_eq!(demand.recent(at_ms(1_000_000_000)), 0);
    }

    #[test]
    fn the_forecast_is_the_rate_times_the_horizon_and_never_more_than_was_taken() {
        let mut demand = RecentDemand::default();
        demand.record(at_ms(1_000), 50);
        let forecast =
            |demand: &mut RecentDemand, ms| demand.forecast(at_ms(1_000), Duration::from_millis(ms));
        assert_eq!(forecast(&mut demand, 100), 10);
        assert_eq!(forecast(&mut demand, 9), 0, "rounded down");
        assert_eq!(forecast(&mut demand, 60_000), 50);
    }
}
