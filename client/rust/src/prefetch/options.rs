//! How far ahead of demand a prefetch holds permits.

use std::time::Duration;

/// How far ahead of demand a [`Prefetch`](crate::Prefetch) holds permits. Nobody else can use the permits that it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefetchOptions {
    pub(super) max_permits: u32,
    pub(super) horizon: Duration,
    pub(super) idle_timeout: Duration,
}

impl Default for PrefetchOptions {
    fn default() -> Self {
        Self {
            max_permits: 500,
            horizon: Duration::from_millis(250),
            idle_timeout: Duration::from_millis(200),
        }
    }
}

impl PrefetchOptions {
    /// Creates the default options: permits for the next 250 ms at the rate of the last 500 ms, at most 500, which are returned
    /// when they are idle for 200 ms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most permits to request at once, at least 1. More than the largest lease of the workspace has no effect.
    #[must_use]
    pub fn max_permits(self, permits: u32) -> Self {
        Self { max_permits: permits.max(1), ..self }
    }

    /// Sets for how long to hold permits ahead, at most 500 ms. With 0 each permit is requested when it is needed.
    #[must_use]
    pub fn horizon(self, horizon: Duration) -> Self {
        Self { horizon, ..self }
    }

    /// Sets after how long without a take held permits are returned. It may be up to 50 ms less.
    #[must_use]
    pub fn idle_timeout(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout, ..self }
    }
}
