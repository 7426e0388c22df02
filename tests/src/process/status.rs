//! The details of a refusal.

use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt;

/// The reason of a refusal; empty if there is none.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// How long to wait before a retry; none if the refusal does not say.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}
