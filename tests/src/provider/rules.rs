//! The rules of a provider: its limit and windows, its faults, and changes of them while it runs.

use serde::{Deserialize, Serialize};

/// Most requests that a limit may allow in a window.
pub const LIMIT_MAX: u64 = 100_000;
/// Least and greatest length of a window, in milliseconds.
pub const WINDOW_MS: (u64, u64) = (100, 60_000);
/// Longest latency, jitter or lock-out, in milliseconds.
pub const DELAY_MS_MAX: u64 = 600_000;

/// How a provider behaves. The defaults are those of Intercom, without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Requests allowed in a window.
    pub limit: u64,
    /// Length of a window, in milliseconds.
    pub window_ms: u64,
    /// How long after a multiple of their length, counted from the Unix epoch, windows start, in milliseconds.
    pub phase_ms: u64,
    /// The part of the limit that another consumer requests, evenly over time, in percent.
    pub external_percent: u64,
    /// Whether throttled requests count against the window.
    pub count_rejected: bool,
    /// Requests above the limit in one window that lead to a lock-out; 0 for none.
    pub penalty_after: u64,
    /// How long a lock-out lasts, in milliseconds.
    pub penalty_ms: u64,
    /// How many of the next requests are throttled although the window is not full.
    pub force_429: u64,
    /// Least time from a request's arrival to its response, in milliseconds.
    pub latency_ms: u64,
    /// Greatest random time on top of that, in milliseconds.
    pub jitter_ms: u64,
    /// Seed of the jitter.
    pub seed: u64,
    /// Whether the reset in the headers is rounded down to a whole second instead of up.
    pub reset_rounded_down: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            limit: 166,
            window_ms: 10_000,
            phase_ms: 0,
            external_percent: 0,
            count_rejected: true,
            penalty_after: 0,
            penalty_ms: 0,
            force_429: 0,
            latency_ms: 0,
            jitter_ms: 0,
            seed: 0,
            reset_rounded_down: false,
        }
    }
}

/// A change of the rules while the provider runs; fields that are not set stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// See [`Rules::limit`]; takes effect at once, in the open window too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// See [`Rules::phase_ms`]; the open window is cut short, and its requests count in the window that replaces it, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_ms: Option<u64>,
    /// See [`Rules::external_percent`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_percent: Option<u64>,
    /// See [`Rules::count_rejected`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count_rejected: Option<bool>,
    /// See [`Rules::penalty_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_after: Option<u64>,
    /// See [`Rules::penalty_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_ms: Option<u64>,
    /// See [`Rules::force_429`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_429: Option<u64>,
    /// See [`Rules::latency_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// See [`Rules::jitter_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<u64>,
}

impl Rules {
    /// These rules, if they are in range.
    ///
    /// # Errors
    ///
    /// Names the first rule that is out of range.
    pub fn checked(self) -> Result<Self, String> {
        let ranges = [
            ("limit", self.limit, 1, LIMIT_MAX),
            ("window_ms", self.window_ms, WINDOW_MS.0, WINDOW_MS.1),
            ("phase_ms", self.phase_ms, 0, self.window_ms.saturating_sub(1)),
            ("external_percent", self.external_percent, 0, 100),
            ("penalty_ms", self.penalty_ms, 0, DELAY_MS_MAX),
            ("latency_ms", self.latency_ms, 0, DELAY_MS_MAX),
            ("jitter_ms", self.jitter_ms, 0, DELAY_MS_MAX),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| value < least || value > most) {
            Some((name, value, least, most)) => {
                Err(format!("{name} is {value}: it must be from {least} to {most}"))
            }
            None => Ok(self),
        }
    }

    /// These rules after a change.
    ///
    /// # Errors
    ///
    /// Names the first rule that would be out of range.
    pub fn after(&self, change: &Change) -> Result<Self, String> {
        Self {
            limit: change.limit.unwrap_or(self.limit),
            phase_ms: change.phase_ms.unwrap_or(self.phase_ms),
            external_percent: change.external_percent.unwrap_or(self.external_percent),
            count_rejected: change.count_rejected.unwrap_or(self.count_rejected),
            penalty_after: change.penalty_after.unwrap_or(self.penalty_after),
            penalty_ms: change.penalty_ms.unwrap_or(self.penalty_ms),
            force_429: change.force_429.unwrap_or(self.force_429),
            latency_ms: change.latency_ms.unwrap_or(self.latency_ms),
            jitter_ms: change.jitter_ms.unwrap_or(self.jitter_ms),
            ..self.clone()
        }
        .checked()
    }

    /// Length of a window, in nanoseconds.
    pub fn window_ns(&self) -> u64 {
        self.window_ms * 1_000_000
    }

    /// Start of the window in which an instant lies; both in nanoseconds since the Unix epoch.
    pub fn window_start_ns(&self, at_ns: u64) -> u64 {
        let into = (at_ns + self.window_ns() - self.phase_ms * 1_000_000) % self.window_ns();
        at_ns.saturating_sub(into)
    }

    /// Time between two requests of the other consumer, in nanoseconds, rounded down.
    pub fn external_interval_ns(&self) -> Option<u64> {
        let per_window = self.limit * self.external_percent;
        (per_window > 0).then(|| self.window_ns() * 100 / per_window)
    }
}
