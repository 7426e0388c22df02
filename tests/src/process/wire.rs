//! The client and the durations of the contract.

use std::time::Duration;

use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use tonic::transport::Channel;

/// A client of the quota service.
pub type Client = QuotaServiceClient<Channel>;

/// So many seconds, as a duration of the contract.
pub fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

/// A duration of the contract; a missing one is zero. Panics if it is negative.
pub fn span(wire: Option<&prost_types::Duration>) -> Duration {
    wire.map_or(Duration::ZERO, |wire| Duration::try_from(*wire).expect("not negative"))
}
