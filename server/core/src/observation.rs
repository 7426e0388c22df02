//! What a provider's response says about a limit, as read by the server or a client.

use crate::ids::LimitId;
use crate::permits::Permits;
use crate::request::LeaseId;
use crate::time::{Span, Timestamp};

/// One response of the provider. `None`: the response does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The limit it is about.
    pub limit: LimitId,
    /// The lease under which the request was sent.
    pub lease: Option<LeaseId>,
    /// The budget of the window, as the provider has it.
    pub permits: Option<Permits>,
    /// What is left of it, as the provider counts.
    pub remaining: Option<Permits>,
    /// When the window ends.
    pub reset: Option<Reset>,
    /// The provider refused the request because this window is exhausted.
    pub throttled: bool,
    /// The provider asks to send nothing before then.
    pub retry_at: Option<Timestamp>,
}

impl Observation {
    /// A response about `limit` that says nothing.
    pub fn new(limit: LimitId) -> Self {
        Self {
            limit,
            lease: None,
            permits: None,
            remaining: None,
            reset: None,
            throttled: false,
            retry_at: None,
        }
    }
}

/// When a window ends, as precisely as the response says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// What was read.
    pub at: Timestamp,
    /// How far off it may be on either side: a second, where it was written in whole seconds.
    pub within: Span,
}
