//! What is asked of the service.

use apportion_proto::v1::Priority;
use std::time::Duration;

/// A request for a lease.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) permits: u32,
    pub(crate) least: Option<u32>,
    pub(crate) priority: Option<Priority>,
    pub(crate) max_wait: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self { permits: 1, least: None, priority: None, max_wait: Duration::from_secs(10) }
    }
}

impl Request {
    /// One permit, at the team's priority, within 10 seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many permits.
    #[must_use]
    pub fn permits(self, permits: u32) -> Self {
        Self { permits, ..self }
    }

    /// Takes no less than this; without it, all or nothing.
    #[must_use]
    pub fn at_least(self, least: u32) -> Self {
        Self { least: Some(least), ..self }
    }

    /// To be served at this priority, as far as the team may.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Waits no longer than this for its lease, retries included. Nothing: now or never.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }
}
