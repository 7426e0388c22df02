//! Streams to a node that does not answer.

use super::link::{IN_FLIGHT_MAX, IN_FLIGHT_PER_WORKSPACE_MAX, PassedCall, PeerLink, SUBSCRIPTIONS_MAX};
use super::{CallSubject, PeerReply, Peers};
use crate::error::Error;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_proto::peer_v1::{PassCallsRequest, PassCallsResponse, pass_calls_response as response};
use apportion_proto::v1;
use futures_util::FutureExt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A stream to an address where something listens and says nothing.
async fn silent() -> (TcpListener, Arc<PeerLink>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let address = listener.local_addr().expect("it listens").to_string();
    (listener, Peers::new(None, CancellationToken::new()).link(&address, 0))
}

fn subject(workspace: &str) -> CallSubject {
    CallSubject {
        shard: 0,
        workspace: WorkspaceId::new(workspace).expect("a name"),
        team: TeamId::new("a").expect("a name"),
        caller: CallerId::new("a").expect("a name"),
    }
}

fn send(link: &Arc<PeerLink>, workspace: &str) -> Result<PassedCall, Error> {
    link.send(subject(workspace), PassCallsRequest::default())
}

/// The messages that wait to be sent.
async fn unsent(link: &PeerLink) -> Vec<PassCallsRequest> {
    let mut messages = Vec::new();
    poll_fn(|context| {
        while let Poll::Ready(Some(message)) = link.poll_unsent(0, context) {
            messages.push(message);
        }
        Poll::Ready(())
    })
    .await;
    messages
}

fn granted(id: u64, lease_id: &str) -> PassCallsResponse {
    let lease = v1::Lease { lease_id: lease_id.into(), ..Default::default() };
    PassCallsResponse { id, owner: None, response: Some(response::Response::Granted(lease)) }
}

#[tokio::test]
async fn calls_in_flight_are_bounded_for_all_and_for_each_workspace() {
    let (_listener, link) = silent().await;
    let mut calls = Vec::new();
    for workspace in 0..IN_FLIGHT_MAX / IN_FLIGHT_PER_WORKSPACE_MAX {
        let name = format!("w{workspace}");
        let sent = (0..IN_FLIGHT_PER_WORKSPACE_MAX).map(|_| send(&link, &name).expect("there is room"));
        calls.extend(sent);
        assert!(matches!(send(&link, &name), Err(Error::ServerFull { .. })));
    }
    assert!(matches!(send(&link, "another"), Err(Error::ServerFull { .. })));
    // One that was sent and answered makes room.
    unsent(&link).await;
    link.answered(granted(1, "a"));
    assert!(send(&link, "w0").is_ok());
}

#[tokio::test]
async fn a_call_that_was_given_up_is_cancelled_and_its_lease_given_back() {
    let (_listener, link) = silent().await;
    drop(send(&link, "w").expect("there is room"));
    let seen = send(&link, "w").expect("there is room");
    link.answered(granted(2, "seen"));
    drop(seen); // its answer had come, and nobody took it
    link.answered(granted(1, "late"));
    let kinds: Vec<_> =
        unsent(&link).await.into_iter().skip(1).map(|message| format!("{:?}", message.call)).collect();
    assert!(kinds.iter().any(|kind| kind.contains("Cancel")), "{kinds:?}");
    for lease in ["seen", "late"] {
        assert!(kinds.iter().any(|kind| kind.contains("Undelivered") && kind.contains(lease)), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_peer_that_reads_nothing_loses_its_stream() {
    let (_listener, link) = silent().await;
    let kept = send(&link, "kept").expect("there is room");
    for _ in 0..2 * IN_FLIGHT_MAX {
        link.give_back(&subject("w"), "a");
    }
    assert!(matches!(kept.now_or_never(), Some(PeerReply::Lost)));
    assert!(matches!(poll_fn(|context| link.poll_unsent(0, context)).now_or_never(), Some(None)));
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let (_listener, link) = silent().await;
    let workspace = |n: usize| WorkspaceId::new(&format!("w{n}")).expect("a name");
    let mut held = Vec::new();
    for n in 0..SUBSCRIPTIONS_MAX {
        held.push(link.subscribe(&workspace(n)).expect("there is room"));
    }
    assert!(link.subscribe(&workspace(SUBSCRIPTIONS_MAX)).is_none());
    assert!(link.subscribe(&workspace(0)).is_some(), "it is subscribed already");
}

#[tokio::test]
async fn calls_of_a_shard_that_has_moved_are_given_up_in_order() {
    let (_listener, link) = silent().await;
    let calls: Vec<_> = (0..3).map(|_| send(&link, "w").expect("there is room")).collect();
    link.give_up(|shard| shard == 1);
    link.give_up(|shard| shard == 0);
    for call in calls {
        assert!(matches!(call.now_or_never(), Some(PeerReply::Moved)));
    }
    let cancelled: Vec<_> = unsent(&link).await.into_iter().skip(3).map(|message| message.id).collect();
    assert_eq!(cancelled, [1, 2, 3]);
}
