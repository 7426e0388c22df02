//! How far ahead of demand permits are held.

use std::time::Duration;

/// How far ahead of demand a prefetch holds permits: what is held here, nobody else can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ahead {
    pub(crate) most: u32,
    pub(crate) horizon: Duration,
    pub(crate) idle: Duration,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { most: 50, horizon: Duration::from_millis(100), idle: Duration::from_millis(200) }
    }
}

impl Ahead {
    /// Permits for the next 100 ms at the rate of the last 500 ms, at most 50, which go back after 200 ms without use.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for no more than this at once; at least 1. Beyond the largest lease of the workspace it is of no use.
    #[must_use]
    pub fn most(self, permits: u32) -> Self {
        Self { most: permits.max(1), ..self }
    }

    /// Holds what is taken in so long a time, at most 500 ms. Nothing: each permit is asked for when it is needed.
    #[must_use]
    pub fn horizon(self, horizon: Duration) -> Self {
        Self { horizon, ..self }
    }

    /// Gives back what is held when nothing was taken for so long, up to 50 ms later.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }
}
