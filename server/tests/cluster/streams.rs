//! Exchange streams through a node that is not the owner, and crowds on the streams between nodes.

use crate::nodes::{Nodes, acquire};
use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// An open stream: where to send, and what comes.
async fn exchange(
    nodes: &Nodes,
    node: usize,
) -> (mpsc::UnboundedSender<v1::ExchangeRequest>, tonic::Streaming<v1::ExchangeResponse>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let answers = nodes.quota(node).exchange(UnboundedReceiverStream::new(receiver)).await.expect("it opens");
    (sender, answers.into_inner())
}

async fn next(answers: &mut tonic::Streaming<v1::ExchangeResponse>) -> (u64, Response) {
    let answer = answers.message().await.expect("it goes on").expect("it goes on");
    (answer.id, answer.response.expect("one"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_by_the_owner_through_any_node() {
    let nodes = Nodes::start(2).await;
    let (sender, mut answers) = exchange(&nodes, 1).await;
    let send = |id, request| sender.send(v1::ExchangeRequest { id, request: Some(request) }).expect("open");
    send(1, Request::Acquire(acquire(3).into()));
    let (1, Response::Granted(lease)) = next(&mut answers).await else { panic!("a lease comes first") };
    let report = v1::SettleLeaseRequest {
        lease_id: lease.lease_id,
        used_permits: 3,
        is_final: true,
        ..Default::default()
    };
    send(2, Request::Settle(report.into()));
    assert!(matches!(next(&mut answers).await, (2, Response::Settled(_))));
    send(3, Request::Acquire(Box::new(v1::AcquireLeaseRequest { team: "nobody".into(), ..acquire(1) })));
    let (3, Response::Refusal(refusal)) = next(&mut answers).await else { panic!("a refusal comes") };
    assert_eq!(refusal.reason(), v1::Reason::UnknownTeam);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_streams_at_other_nodes() {
    let nodes = Nodes::start(2).await;
    let (sender, mut answers) = exchange(&nodes, 1).await;
    let send = |id, request| sender.send(v1::ExchangeRequest { id, request: Some(request) }).expect("open");
    send(1, Request::Acquire(acquire(1).into()));
    let (1, Response::Granted(lease)) = next(&mut answers).await else { panic!("a lease comes first") };
    // Only once the subscription is there does an event come: the same message is sent until it has.
    let throttled = v1::Observation { status: 429, throttled: true, ..Default::default() };
    for id in 2.. {
        let report = v1::SettleLeaseRequest {
            lease_id: lease.lease_id.clone(),
            used_permits: 1,
            observations: vec![throttled.clone()],
            ..Default::default()
        };
        send(id, Request::Settle(report.into()));
        match next(&mut answers).await {
            (0, Response::Revocation(_)) => return,
            (_, Response::Settled(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_cancels_at_once_break_no_stream_and_leave_nothing_waiting() {
    const CROWD: u64 = 10_000;
    let nodes = Nodes::start(2).await;
    let all = v1::AcquireLeaseRequest { min_permits: Some(1), ..acquire(166) };
    nodes.quota(0).acquire_lease(all).await.expect("granted");
    let (sender, mut answers) = exchange(&nodes, 1).await;
    for id in 1..=CROWD {
        let request = v1::AcquireLeaseRequest { caller: format!("c{}", id % 100), ..acquire(150) };
        sender
            .send(v1::ExchangeRequest { id, request: Some(Request::Acquire(request.into())) })
            .expect("open");
    }
    for id in 1..=CROWD {
        let request = Some(Request::Cancel(v1::Cancel {}));
        sender.send(v1::ExchangeRequest { id, request }).expect("open");
    }
    for _ in 0..CROWD {
        // One or the other may have been granted, or refused on arrival.
        next(&mut answers).await;
    }
    nodes.until_waiting(0, |waiting| waiting == 0).await;
    sender
        .send(v1::ExchangeRequest { id: 1, request: Some(Request::Acquire(acquire(1).into())) })
        .expect("open");
    assert!(matches!(next(&mut answers).await, (1, Response::Granted(_))));
}
