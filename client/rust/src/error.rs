//! Why no lease was granted, and how a gRPC status is understood.

use apportion_proto::v1::Reason;
use std::time::Duration;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::StatusExt;

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
    /// No permit of a [`Prefetch`](crate::Prefetch) became available in time, and the server gave no reason.
    #[error("no permit became available in time")]
    TimedOut,
    /// The server sent a response that the API does not allow.
    #[error("the server sent an invalid response: {0}")]
    InvalidResponse(&'static str),
}

impl AcquireError {
    /// Returns how long to wait before retrying, if the server said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::TimedOut | Self::InvalidResponse(_) => None,
        }
    }
}

/// What the status of a failed acquire means for the next attempt.
pub(crate) enum CallFailure {
    /// The server is unreachable or cannot serve now: why, and how long to wait at least before the same request is retried.
    Unavailable(String, Duration),
    /// The lease that an earlier attempt was granted has ended: retry with a new request id.
    LeaseEnded,
    /// The request is refused and not retried.
    Refused(AcquireError),
}

impl From<Status> for CallFailure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason =
            details.error_info().and_then(|info| Reason::from_str_name(&format!("REASON_{}", info.reason)));
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let has_details = details.error_info().is_some();
        match status.code() {
            Code::Unavailable => Self::Unavailable(status.message().into(), retry_after.unwrap_or_default()),
            // Without details the status is from the transport: a broken connection, or a proxy in between.
            Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded if !has_details => {
                Self::Unavailable(status.message().into(), Duration::ZERO)
            }
            _ if reason == Some(Reason::LeaseEnded) => Self::LeaseEnded,
            _ => Self::Refused(AcquireError::Refused {
                reason: reason.unwrap_or_default(),
                message: status.message().into(),
                retry_after,
            }),
        }
    }
}
