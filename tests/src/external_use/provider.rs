//! The provider of a simulation: fixed windows, and what it counted in each.

use std::collections::BTreeMap;

/// The provider's budget of a window.
pub const LIMIT: u64 = 166;
/// The length of a window.
pub(super) const WINDOW: u64 = 10_000_000;
/// A window starts here.
pub(super) const START: u64 = 3_600_000_000 * 24;

/// What the provider counted in a window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Requests of the workers that were accepted.
    pub own: u64,
    /// Requests of the workers that were throttled.
    pub own_throttled: u64,
    /// Requests of the other consumer that were accepted.
    pub external: u64,
    /// Requests of the other consumer that were throttled.
    pub external_throttled: u64,
}

/// Its count, by the start of the window.
#[derive(Debug, Default)]
pub(super) struct Provider {
    windows: BTreeMap<u64, Usage>,
}

impl Provider {
    /// Counts a request of a worker; whether it is accepted.
    pub(super) fn accepts_own(&mut self, now: u64) -> bool {
        let is_accepted = self.left(now) > 0;
        let usage = self.window(now);
        let count = if is_accepted { &mut usage.own } else { &mut usage.own_throttled };
        *count += 1;
        is_accepted
    }

    /// Counts a request of the other consumer.
    pub(super) fn count_external(&mut self, now: u64) {
        let is_accepted = self.left(now) > 0;
        let usage = self.window(now);
        let count = if is_accepted { &mut usage.external } else { &mut usage.external_throttled };
        *count += 1;
    }

    /// What is left of the budget of this window. Throttled requests count as well.
    pub(super) fn left(&mut self, now: u64) -> u64 {
        let Usage { own, own_throttled, external, external_throttled } = *self.window(now);
        LIMIT.saturating_sub(own + own_throttled + external + external_throttled)
    }

    fn window(&mut self, now: u64) -> &mut Usage {
        self.windows.entry(now - now % WINDOW).or_default()
    }

    /// The first windows from [`START`] on.
    pub(super) fn first_windows(&self, count: u64) -> Vec<Usage> {
        let usage = |k| self.windows.get(&(START + WINDOW * k)).copied().unwrap_or_default();
        (0..count).map(usage).collect()
    }
}
