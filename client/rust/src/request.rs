//! What a lease is requested with, and the message that requests it.

use crate::config::Config;
use apportion_proto::v1::{AcquireLeaseRequest, Priority};
use std::time::Duration;

/// The longest wait of a request, as the API allows.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// A request for a lease.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) permits: u32,
    pub(crate) min_permits: Option<u32>,
    pub(crate) priority: Option<Priority>,
    pub(crate) max_wait: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self { permits: 1, min_permits: None, priority: None, max_wait: Duration::from_secs(10) }
    }
}

impl Request {
    /// Creates a request for one permit, at the team's priority, that waits up to 10 seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of permits.
    #[must_use]
    pub fn permits(self, permits: u32) -> Self {
        Self { permits, ..self }
    }

    /// Sets the smallest number of permits to accept. By default the lease has all permits or is refused.
    #[must_use]
    pub fn min_permits(self, min_permits: u32) -> Self {
        Self { min_permits: Some(min_permits), ..self }
    }

    /// Sets the priority. The server lowers it to the highest priority of the team.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Sets how long to wait for the lease, including retries: at most an hour, and longer waits are cut to that. With 0 the
    /// request is granted or refused at once.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: max_wait.min(WAIT_MAX), ..self }
    }

    /// The message of one attempt that may wait for `wait` on the server.
    pub(crate) fn message(&self, config: &Config, wait: Duration, request_id: &str) -> AcquireLeaseRequest {
        AcquireLeaseRequest {
            workspace: config.workspace.clone(),
            team: config.team.clone(),
            caller: config.caller.clone(),
            priority: self.priority.unwrap_or_default().into(),
            permits: Some(self.permits),
            min_permits: self.min_permits,
            max_wait: prost_types::Duration::try_from(wait).ok(),
            request_id: request_id.into(),
        }
    }
}
