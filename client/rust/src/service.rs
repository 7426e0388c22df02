//! The calls of the quota service that a client makes, whoever answers them, and how a failed one is understood.

use crate::error::AcquireError;
use apportion_proto::v1::{
    self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse, GetSignalsRequest,
    GetSignalsResponse, Reason,
};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The answer of one call, which needs nothing that the caller owns.
pub(crate) type PendingAnswer<T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>;

/// Answers calls. None takes longer than its `timeout`, whatever it waits for.
pub(crate) trait LeaseService: Debug + Send + Sync {
    fn acquire(
        self: Arc<Self>,
        message: AcquireLeaseRequest,
        timeout: Duration,
    ) -> PendingAnswer<Option<v1::Lease>>;

    fn settle(
        self: Arc<Self>,
        message: BatchSettleLeasesRequest,
        timeout: Duration,
    ) -> PendingAnswer<BatchSettleLeasesResponse>;

    fn signals(
        self: Arc<Self>,
        message: GetSignalsRequest,
        timeout: Duration,
    ) -> PendingAnswer<GetSignalsResponse>;

    /// Closes connections that no call uses.
    fn disconnect(&self) {}
}

/// A call that failed.
#[derive(Clone, Debug)]
pub(crate) struct CallError {
    pub(crate) status: Status,
    /// Whether the same call goes elsewhere, or with another token, when it is repeated. Then it need not be delayed.
    pub(crate) is_rerouted: bool,
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        Self { status, is_rerouted: false }
    }
}

/// What a failed call means for the next attempt.
#[derive(Debug)]
pub(crate) enum CallFailure {
    /// The server is unreachable or cannot serve now: why, and how long to wait at least before the same request is repeated.
    Unavailable(String, Duration),
    /// The lease that an earlier attempt was granted has ended: repeat with a new request id.
    LeaseEnded,
    /// The request is refused and not repeated.
    Refused(AcquireError),
}

impl From<Status> for CallFailure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let reason = reason(&status);
        match status.code() {
            Code::Unavailable => Self::Unavailable(status.message().into(), retry_after.unwrap_or_default()),
            _ if is_transport_failure(&status) => Self::Unavailable(status.message().into(), Duration::ZERO),
            _ if reason == Some(Reason::LeaseEnded) => Self::LeaseEnded,
            _ => Self::Refused(AcquireError::Refused {
                reason: reason.unwrap_or_default(),
                message: status.message().into(),
                retry_after,
            }),
        }
    }
}

/// The reason that the server gave; none if it gave none, or one that is newer than this client.
pub(crate) fn reason(status: &Status) -> Option<Reason> {
    let details = status.get_error_details();
    details.error_info().and_then(|info| Reason::from_str_name(&format!("REASON_{}", info.reason)))
}

/// Whether the status is not the server's: a broken connection, no answer in time, or a proxy in between.
pub(crate) fn is_transport_failure(status: &Status) -> bool {
    let is_transport_code = matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded
    );
    is_transport_code && status.get_error_details().error_info().is_none()
}
