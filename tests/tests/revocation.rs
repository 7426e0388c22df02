//! The provider throttles while a stream is open: how long leases are revoked, and when to retry.

use std::time::{Duration, Instant, SystemTime};

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Wanted;
use apportion_proto::v1::exchange_response::Response as Got;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::pass_to;
use apportion_tests::process::server::Server;
use apportion_tests::process::status::retry_after;
use apportion_tests::process::wire::seconds;
use apportion_tests::provider::Rules;
use tokio::sync::mpsc::UnboundedSender;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

/// How long after the start of a window a test starts.
const START: Duration = Duration::from_millis(6_500);
/// How long a call may take, and what margins may add.
const SLACK: Duration = Duration::from_millis(400);

/// An Exchange of one caller that sends one message after another.
struct Stream {
    requests: UnboundedSender<v1::ExchangeRequest>,
    answers: Streaming<v1::ExchangeResponse>,
    last_id: u64,
}

impl Stream {
    async fn open(channel: Channel) -> Self {
        let (requests, received) = tokio::sync::mpsc::unbounded_channel();
        let mut quota = QuotaServiceClient::new(channel);
        let answers = quota.exchange(UnboundedReceiverStream::new(received)).await.expect("a stream");
        Self { requests, answers: answers.into_inner(), last_id: 0 }
    }

    fn send(&mut self, wanted: Wanted) {
        self.last_id += 1;
        let request = v1::ExchangeRequest { id: self.last_id, request: Some(wanted) };
        self.requests.send(request).expect("the stream is open");
    }

    async fn next(&mut self) -> v1::ExchangeResponse {
        let answer = tokio::time::timeout(Duration::from_secs(20), self.answers.message());
        answer.await.expect("a response in time").expect("no error").expect("not the end")
    }

    async fn lease(&mut self) -> v1::Lease {
        self.send(Wanted::Acquire(Box::default()));
        match self.next().await.response {
            Some(Got::Granted(lease)) => *lease,
            other => panic!("not granted: {other:?}"),
        }
    }

    /// Reports a response under a new lease. Returns the revocation that follows a throttle, and when it came.
    async fn observe(&mut self, observation: v1::Observation) -> Option<(v1::Revocation, Instant)> {
        let lease = self.lease().await;
        self.send(Wanted::Settle(Box::new(v1::SettleLeaseRequest {
            lease_id: lease.lease_id,
            used_permits: 1,
            observations: vec![observation.clone()],
            ..v1::SettleLeaseRequest::default()
        })));
        self.outcome(observation.throttled).await
    }

    async fn outcome(&mut self, throttled: bool) -> Option<(v1::Revocation, Instant)> {
        let (mut settled, mut revoked) = (false, None);
        while !settled || (throttled && revoked.is_none()) {
            match self.next().await.response {
                Some(Got::Settled(_)) => settled = true,
                Some(Got::Revocation(revocation)) => revoked = Some((revocation, Instant::now())),
                Some(Got::LimitChange(_)) => {}
                other => panic!("neither settled nor revoked: {other:?}"),
            }
        }
        revoked
    }
}

/// `later` after the next boundary of a window by the policy, since the Unix epoch.
fn after_boundary(later: Duration) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Duration::from_secs(now.as_secs() / 10 * 10 + 10) + later
}

fn left_until(end: Duration) -> Duration {
    end - SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970")
}

/// A response with the end of its window, to that precision.
fn response(remaining: u32, end: Duration, precision: Duration) -> v1::Observation {
    let wire = |span: Duration| prost_types::Duration::try_from(span).expect("short");
    let end = wire(end);
    v1::Observation {
        limit_permits: Some(166),
        remaining_permits: Some(remaining),
        reset: Some(v1::observation::Reset::ResetTime(prost_types::Timestamp {
            seconds: end.seconds,
            nanos: end.nanos,
        })),
        reset_precision: Some(wire(precision)),
        ..v1::Observation::default()
    }
}

/// Windows of the provider end `later` than those of the policy: a revocation lasts until that end, and nothing is granted earlier.
async fn revoked_until_the_end_of_a_window(later: Duration, precision: Duration) {
    let server = Server::fresh();
    pass_to(&Rules::default(), START).await;
    let mut stream = Stream::open(server.channel()).await;
    let end = after_boundary(later);
    assert!(stream.observe(response(150, end, precision)).await.is_none(), "nothing was throttled");
    let throttled = v1::Observation { throttled: true, status: 429, ..response(0, end, precision) };
    let (revocation, received) = stream.observe(throttled).await.expect("a revocation");
    let left = left_until(end);
    let span = Duration::try_from(revocation.retry_after.expect("a time")).expect("above 0");
    println!("revoked for {span:?}, the window ends in {left:?}");
    assert!(span + SLACK / 8 >= left && span <= left + precision + SLACK, "{span:?}, {left:?}");

    let mut quota = QuotaServiceClient::new(server.channel());
    let at_once = v1::AcquireLeaseRequest {
        max_wait: Some(prost_types::Duration::default()),
        ..v1::AcquireLeaseRequest::default()
    };
    let refused = quota.acquire_lease(at_once).await.expect_err("the provider throttles");
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let retry = received.elapsed() + retry_after(&refused).expect("a time to retry");
    assert!(
        retry + SLACK / 8 >= span && retry <= span + SLACK * 2,
        "retry after {retry:?}, revoked for {span:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_lasts_until_the_window_of_the_provider_ends() {
    tokio::join!(
        revoked_until_the_end_of_a_window(Duration::ZERO, Duration::from_millis(1)),
        revoked_until_the_end_of_a_window(Duration::from_secs(4), Duration::from_millis(1)),
        revoked_until_the_end_of_a_window(Duration::from_secs(4), Duration::from_secs(1)),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_throttle_does_not_shorten_the_first_revocation() {
    let server = Server::fresh();
    pass_to(&Rules::default(), START).await;
    let mut stream = Stream::open(server.channel()).await;
    let (first, second) = (stream.lease().await, stream.lease().await);
    let throttled = |lease: v1::Lease, retry_after: Option<i64>| {
        let retry_after = retry_after.map(seconds);
        let observation = v1::Observation { throttled: true, retry_after, ..v1::Observation::default() };
        Wanted::Settle(Box::new(v1::SettleLeaseRequest {
            lease_id: lease.lease_id,
            used_permits: 1,
            observations: vec![observation],
            ..v1::SettleLeaseRequest::default()
        }))
    };
    for (lease, asked_for) in [(first, Some(25)), (second, None)] {
        stream.send(throttled(lease, asked_for));
        let (revocation, _) = stream.outcome(true).await.expect("a revocation");
        let span = revocation.retry_after.expect("a time");
        assert!((23..=25).contains(&span.seconds), "{span:?}");
    }
}
