//! Exchange: one stream, a message for each lease and each answer.

use super::cores::processor_time;
use super::setup::{WORKSPACE, acquire, connect, used};
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::v1::{ExchangeRequest, ExchangeResponse};
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Streams, each on a connection of its own.
const STREAMS: usize = 4;
/// Messages in flight in each.
const IN_FLIGHT: usize = 512;
/// The length of one measurement.
const SPAN: Duration = Duration::from_millis(1_500);

/// What is done with each lease.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Leases {
    /// None is settled: each expires.
    Left,
    /// Each is settled with another message.
    Settled,
    /// The same, and each request has an id, as from clients that retry.
    Named,
}

/// Leases granted per second of the server's processor time.
pub(crate) async fn per_cpu_second(address: SocketAddr, pid: u32, leases: Leases) -> f64 {
    run(address, leases, SPAN / 5).await;
    let before = processor_time(pid);
    let granted = run(address, leases, SPAN).await;
    granted as f64 * 1e9 / (processor_time(pid) - before) as f64
}

async fn run(address: SocketAddr, leases: Leases, span: Duration) -> u64 {
    let until = Instant::now() + span;
    join_all((0..STREAMS).map(|n| stream(address, n, leases, until))).await.iter().sum()
}

async fn stream(address: SocketAddr, number: usize, leases: Leases, until: Instant) -> u64 {
    let caller = format!("bench-{number}");
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut ids = 1..;
    let mut send = |mut request| {
        let id = ids.next().expect("no end");
        if let (Request::Acquire(acquire), Leases::Named) = (&mut request, leases) {
            acquire.request_id = format!("{:x}-{id}", begun.as_nanos());
        }
        let _ = sender.send(ExchangeRequest { id, request: Some(request) });
    };
    (0..IN_FLIGHT).for_each(|_| send(Request::Acquire(acquire(WORKSPACE, &caller).into())));
    let mut client = QuotaServiceClient::new(connect(address).await);
    let answers = client.exchange(UnboundedReceiverStream::new(receiver)).await.expect("a stream");
    let mut granted = 0;
    let mut answers = answers.into_inner().ready_chunks(64);
    while let Some(chunk) = answers.next().await {
        for answer in chunk {
            let ExchangeResponse { response, .. } = answer.expect("an answer");
            match (response.expect("an answer"), leases) {
                (Response::Granted(lease), Leases::Settled | Leases::Named) => {
                    granted += 1;
                    send(Request::Settle(used(&caller, lease.lease_id).into()));
                }
                (Response::Granted(_), Leases::Left) => {
                    granted += 1;
                    send(Request::Acquire(acquire(WORKSPACE, &caller).into()));
                }
                (Response::Settled(_), _) => send(Request::Acquire(acquire(WORKSPACE, &caller).into())),
                (other, _) => panic!("not expected: {other:?}"),
            }
        }
        if Instant::now() >= until {
            break;
        }
    }
    granted
}
