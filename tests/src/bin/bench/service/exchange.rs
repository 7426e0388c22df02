//! The stream: a message for each lease, and one for each answer.

use super::cores::processor_time;
use super::setup::{WORKSPACE, acquire, connect, used};
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::v1::{ExchangeRequest, ExchangeResponse};
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Streams, each on a connection of its own.
const STREAMS: usize = 4;
/// Messages on the way in each.
const IN_FLIGHT: usize = 512;
/// How long one measurement takes.
const SPAN: Duration = Duration::from_millis(1_500);

/// Which leases are settled.
#[derive(Clone, Copy)]
pub(crate) enum Settles {
    /// None: each ends by itself.
    Never,
    /// Each, with one more message.
    Each,
}

/// How many leases were granted for a second of the server's processor.
pub(crate) async fn per_cpu_second(address: SocketAddr, pid: u32, settles: Settles) -> f64 {
    run(address, settles, SPAN / 5).await;
    let before = processor_time(pid);
    let leases = run(address, settles, SPAN).await;
    leases as f64 * 1e9 / (processor_time(pid) - before) as f64
}

async fn run(address: SocketAddr, settles: Settles, span: Duration) -> u64 {
    let until = Instant::now() + span;
    join_all((0..STREAMS).map(|n| stream(address, n, settles, until))).await.iter().sum()
}

async fn stream(address: SocketAddr, number: usize, settles: Settles, until: Instant) -> u64 {
    let caller = format!("bench-{number}");
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut ids = 1..;
    let mut send = |request| {
        let id = ids.next().expect("no end");
        let _ = sender.send(ExchangeRequest { id, request: Some(request) });
    };
    (0..IN_FLIGHT).for_each(|_| send(Request::Acquire(acquire(WORKSPACE, &caller))));
    let mut client = QuotaServiceClient::new(connect(address).await);
    let answers = client.exchange(UnboundedReceiverStream::new(receiver)).await.expect("a stream");
    let mut leases = 0;
    let mut answers = answers.into_inner().ready_chunks(64);
    while let Some(chunk) = answers.next().await {
        for answer in chunk {
            let ExchangeResponse { response, .. } = answer.expect("an answer");
            match (response.expect("an answer"), settles) {
                (Response::Granted(lease), Settles::Each) => {
                    leases += 1;
                    send(Request::Settle(used(&caller, lease.lease_id)));
                }
                (Response::Granted(_), Settles::Never) => {
                    leases += 1;
                    send(Request::Acquire(acquire(WORKSPACE, &caller)));
                }
                (Response::Settled(_), _) => send(Request::Acquire(acquire(WORKSPACE, &caller))),
                (other, _) => panic!("not expected: {other:?}"),
            }
        }
        if Instant::now() >= until {
            break;
        }
    }
    leases
}
