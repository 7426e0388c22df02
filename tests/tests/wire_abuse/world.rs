//! A server with a client of its own, the smallest requests, and what a complete refusal is.

use apportion_proto::v1;
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::{Client, seconds};
use prost_types::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(crate) fn acquire() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest { max_wait: Some(seconds(0)), ..Default::default() }
}

pub(crate) fn settle(lease_id: &str) -> v1::SettleLeaseRequest {
    v1::SettleLeaseRequest { lease_id: lease_id.into(), ..Default::default() }
}

pub(crate) fn span(seconds: i64, nanos: i32) -> Duration {
    Duration { seconds, nanos }
}

/// A server and a client.
pub(crate) struct World {
    server: Server,
    pub(crate) client: Client,
}

impl World {
    pub(crate) fn new() -> Self {
        let server = Server::fresh();
        let client = Client::new(server.channel());
        Self { server, client }
    }

    /// A lease of one permit for the default caller, of this window or the next.
    pub(crate) async fn lease(&mut self) -> v1::Lease {
        self.lease_for(v1::AcquireLeaseRequest { max_wait: Some(seconds(12)), ..acquire() }).await
    }

    /// The lease that a request is granted.
    pub(crate) async fn lease_for(&mut self, request: v1::AcquireLeaseRequest) -> v1::Lease {
        let granted = self.client.acquire_lease(request).await.expect("a lease").into_inner();
        granted.lease.expect("a lease")
    }

    /// The outcome of a settle that is accepted.
    pub(crate) async fn settled(&mut self, request: v1::SettleLeaseRequest) -> v1::Settled {
        let response = self.client.settle_lease(request).await.expect("settled").into_inner();
        response.settled.expect("an outcome")
    }

    /// The server grants and settles as before, and has not panicked.
    pub(crate) async fn serves_as_before(mut self) {
        let lease = self.lease().await;
        let request =
            v1::SettleLeaseRequest { returned_permits: 1, is_final: true, ..settle(&lease.lease_id) };
        assert!(!self.settled(request).await.open);
        self.server.stop_cleanly();
    }
}

/// Fails unless a refusal is complete: status, domain, reason, the invalid field, and a message.
pub(crate) fn is_refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    reason: &str,
    field: &str,
) {
    let status = answer.expect_err(reason);
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{reason}: no ErrorInfo in {status:?}"));
    assert_eq!(
        (status.code(), info.reason.as_str(), info.domain.as_str()),
        (code, reason, "apportion"),
        "{status:?}"
    );
    let named = info.metadata.get("field").map_or("", String::as_str);
    assert_eq!(named, field, "{status:?}");
    assert!((8..=512).contains(&status.message().len()), "{status:?}");
    let violation = details.bad_request().map_or("", |bad| &bad.field_violations[0].field);
    if code == Code::InvalidArgument {
        assert_eq!(violation, field, "{status:?}");
    }
    assert_eq!(details.quota_failure().is_some(), code == Code::ResourceExhausted, "{status:?}");
}

/// Fails unless a request is refused because a field is malformed.
pub(crate) fn is_malformed<T: std::fmt::Debug>(answer: Result<T, Status>, field: &str) {
    is_refused(answer, Code::InvalidArgument, "MALFORMED", field);
}
