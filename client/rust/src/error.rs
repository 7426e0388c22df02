//! Why no lease was granted.

use apportion_proto::v1::Reason;
use std::time::Duration;
use thiserror::Error;

/// Why no lease or permit was granted.
#[derive(Clone, Debug, Error)]
pub enum AcquireError {
    /// The server refused the request.
    #[error("refused ({}): {message}", reason.as_str_name())]
    Refused {
        /// The reason. [`Reason::Unspecified`] if it is newer than this client.
        reason: Reason,
        /// A human-readable description.
        message: String,
        /// How long to wait before retrying. `None` if a retry cannot succeed under the current policy.
        retry_after: Option<Duration>,
    },
    /// The server could not be reached in time.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server is reachable, and the request ended before it was sent or answered: too many of this client are waiting.
    #[error("no permit became available in time")]
    TimedOut,
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// The server sent a response that the API does not allow.
    #[error("the server sent an invalid response: {0}")]
    InvalidResponse(&'static str),
}

impl AcquireError {
    /// Returns how long to wait before retrying, if the server said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::TimedOut | Self::Closed | Self::InvalidResponse(_) => None,
        }
    }
}
