//! Errors of the client as failures of the protocol.

use apportion_client::{AcquireError, ConfigError};
use apportion_conformance::v1::Failure;
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;

pub(crate) fn of(kind: Kind, message: impl ToString) -> Outcome {
    Outcome::Failure(Failure { kind: kind.into(), message: message.to_string(), ..Failure::default() })
}

pub(crate) fn unsupported(what: &str) -> Outcome {
    of(Kind::Unsupported, what)
}

pub(crate) fn acquire(error: &AcquireError) -> Outcome {
    let (kind, reason) = match error {
        AcquireError::Refused { reason, .. } => (Kind::Refused, reason.as_str_name()),
        AcquireError::Unreachable(_) => (Kind::Unreachable, ""),
        AcquireError::TimedOut => (Kind::TimedOut, ""),
        AcquireError::Closed => (Kind::Closed, ""),
        AcquireError::InvalidResponse(_) => (Kind::InvalidResponse, ""),
    };
    Outcome::Failure(Failure {
        kind: kind.into(),
        reason: reason.trim_start_matches("REASON_").into(),
        retry_after_ms: error.retry_after().and_then(|delay| u64::try_from(delay.as_millis()).ok()),
        message: error.to_string(),
        r#type: "apportion_client::AcquireError".into(),
    })
}

pub(crate) fn config(error: &ConfigError) -> Outcome {
    of(Kind::Config, error)
}
