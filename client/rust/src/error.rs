//! Why no lease came.

use apportion_proto::v1::Reason;
use std::time::Duration;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Why no lease came.
#[derive(Clone, Debug, Error)]
pub enum AcquireError {
    /// The service said no: not now, or never.
    #[error("refused ({}): {message}", reason.as_str_name())]
    Refused {
        /// Why; unspecified where this client is older than the reason.
        reason: Reason,
        /// The same for people.
        message: String,
        /// How long asking again is of no use; none: it never is, as things stand.
        retry_after: Option<Duration>,
    },
    /// The service could not be reached in time.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// Whoever waited for a permit of a prefetch got none in time, and the service had not yet said why.
    #[error("no permit came in time")]
    NotInTime,
    /// What the service answered makes no sense.
    #[error("the service answered what the contract does not allow: {0}")]
    Absurd(&'static str),
}

impl AcquireError {
    /// How long asking again is of no use, where the service said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::NotInTime | Self::Absurd(_) => None,
        }
    }
}

/// What a status means for whoever asked.
pub(crate) enum Meaning {
    /// The service is out of reach, or cannot serve now: the very same request may be tried again after at least so long.
    Away(String, Duration),
    /// The lease that an attempt before this one got has ended: ask under a new name.
    Ended,
    /// No.
    Refused(AcquireError),
}

pub(crate) fn meaning(status: &Status) -> Meaning {
    let details = status.get_error_details();
    let reason =
        details.error_info().and_then(|info| Reason::from_str_name(&format!("REASON_{}", info.reason)));
    let retry_after = details.retry_info().and_then(|info| info.retry_delay);
    let has_details = details.error_info().is_some();
    match status.code() {
        Code::Unavailable => Meaning::Away(status.message().into(), retry_after.unwrap_or_default()),
        // Without details it is the transport that speaks: a connection that broke, a proxy in between.
        Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded if !has_details => {
            Meaning::Away(status.message().into(), Duration::ZERO)
        }
        _ if reason == Some(Reason::LeaseEnded) => Meaning::Ended,
        _ => Meaning::Refused(AcquireError::Refused {
            reason: reason.unwrap_or_default(),
            message: status.message().into(),
            retry_after,
        }),
    }
}
