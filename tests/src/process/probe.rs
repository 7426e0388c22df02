//! Whether a server makes decisions, seen by a client that has nothing to do with the rest of a test.

use std::time::Duration;

use apportion_proto::v1;
use tonic::Code;

use super::status::reason;
use super::wire::Client;

/// Fails unless a request that does not wait is decided on in time: granted, or refused with a reason.
pub async fn is_served(client: &mut Client, within: Duration) {
    let request = v1::AcquireLeaseRequest {
        caller: "probe".into(),
        max_wait: Some(prost_types::Duration::default()),
        ..v1::AcquireLeaseRequest::default()
    };
    match tokio::time::timeout(within, client.acquire_lease(request)).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) if status.code() == Code::ResourceExhausted => assert_ne!(reason(&status), ""),
        Ok(Err(status)) => panic!("no decision: {status:?}"),
        Err(_) => panic!("no decision within {within:?}"),
    }
}
