//! Single events that must block no caller for long, seen from outside: streams with too much in flight, and new workspaces.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::exchange_request::Request as Wanted;
use apportion_proto::v1::exchange_response::Response as Answer;
use apportion_tests::process::pass;
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::{Client, seconds};
use tokio::sync::mpsc::{self, Sender};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

/// Longest time for a response that does not depend on a window.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request for the largest lease, which waits through many windows.
fn patient() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest { permits: Some(20), max_wait: Some(seconds(3_600)), ..Default::default() }
}

/// Acquires leases until the window is exhausted, so that the next request waits for another window. Returns the last lease's id.
async fn exhaust(client: &mut Client) -> String {
    let mut last = String::new();
    let ask = v1::AcquireLeaseRequest { permits: Some(20), max_wait: Some(seconds(0)), ..Default::default() };
    while let Ok(granted) = client.acquire_lease(ask.clone()).await {
        last = granted.into_inner().lease.expect("a lease").lease_id;
    }
    last
}

/// A call that waits on the same connection, beside the stream.
fn waiting_call(channel: &Channel) -> JoinHandle<Result<(), Status>> {
    let mut client = Client::new(channel.clone());
    let ask = v1::AcquireLeaseRequest {
        caller: "beside".into(),
        max_wait: Some(seconds(3_600)),
        ..Default::default()
    };
    tokio::spawn(async move { client.acquire_lease(ask).await.map(|_| ()) })
}

/// An Exchange whose messages are sent one by one, as services send them.
async fn exchange(channel: &Channel) -> (Sender<v1::ExchangeRequest>, Streaming<v1::ExchangeResponse>) {
    let (sender, receiver) = mpsc::channel(1);
    let answers = Client::new(channel.clone()).exchange(ReceiverStream::new(receiver)).await;
    (sender, answers.expect("a stream").into_inner())
}

fn message(id: u64, request: Wanted) -> v1::ExchangeRequest {
    v1::ExchangeRequest { id, request: Some(request) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settles_and_cancels_pass_a_full_stream_and_other_calls_continue() {
    let server = Server::fresh_with(&["--exchange-in-flight", "100"]);
    let channel = server.channel();
    let lease_id = exhaust(&mut Client::new(channel.clone())).await;
    let beside = waiting_call(&channel);
    let (sender, mut answers) = exchange(&channel).await;
    let sending = tokio::spawn(async move {
        for id in 1..=5_000 {
            sender.send(message(id, Wanted::Acquire(patient().into()))).await.expect("the stream is open");
        }
        let settle =
            v1::SettleLeaseRequest { lease_id, used_permits: 1, is_final: true, ..Default::default() };
        sender.send(message(5_001, Wanted::Settle(settle.into()))).await.expect("the stream is open");
        sender.send(message(100, Wanted::Cancel(v1::Cancel {}))).await.expect("the stream is open");
        sender
    });
    let (mut full, mut settled, mut cancelled) = (0, false, false);
    while !(settled && cancelled) {
        let answer = tokio::time::timeout(PATIENCE, answers.message()).await.expect("a response in time");
        let answer = answer.expect("the connection is open").expect("the stream is open");
        match answer.response.expect("a response") {
            Answer::Settled(_) => settled = answer.id == 5_001,
            Answer::Refusal(refusal) if refusal.reason() == v1::Reason::Cancelled => {
                cancelled = answer.id == 100;
            }
            Answer::Refusal(refusal) => {
                assert_eq!(refusal.reason(), v1::Reason::ServerFull, "{refusal:?}");
                assert!(refusal.retry_after.is_some() && answer.id > 100, "{refusal:?}");
                full += 1;
            }
            _ => {}
        }
    }
    assert!(full > 4_500, "only {full} exceeded the bound");
    assert!(
        !beside.is_finished() || beside.await.expect("no panic").is_ok(),
        "the call beside the stream failed"
    );
    drop(sending.await.expect("all messages were sent"));
    server.has_not_panicked();
}

/// A connection with a small receive window: responses that the client does not read stay on the server.
fn narrow(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).expect("an address");
    endpoint.initial_stream_window_size(Some(100)).connect_lazy()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_no_responses_loses_only_its_stream() {
    let server = Server::fresh();
    exhaust(&mut Client::new(server.channel())).await;
    let channel = narrow(&server);
    let beside = waiting_call(&channel);
    let (sender, mut answers) = exchange(&channel).await;
    let refused = v1::AcquireLeaseRequest { permits: Some(0), ..Default::default() };
    for id in 1..=12_000 {
        sender.send(message(id, Wanted::Acquire(refused.clone().into()))).await.expect("the server reads it");
    }
    let mut taken = 0;
    let end = loop {
        match tokio::time::timeout(PATIENCE, answers.message()).await.expect("in time") {
            Ok(Some(_)) => taken += 1,
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::ResourceExhausted, "{end:?}");
    assert!((8_000..12_000).contains(&taken), "{taken} responses were kept");
    assert!(
        !beside.is_finished() || beside.await.expect("no panic").is_ok(),
        "the call beside the stream failed"
    );
    server.has_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_that_were_not_sent_when_their_stream_ended_are_returned() {
    let server = Server::fresh();
    let mut client = Client::new(server.channel());
    let one = v1::AcquireLeaseRequest { max_wait: Some(seconds(30)), ..Default::default() };
    let left = loop {
        let lease = client.acquire_lease(one.clone()).await.expect("a lease").into_inner().lease;
        let left = lease.expect("a lease").until_window_end.expect("a span");
        if left.seconds >= 4 {
            break Duration::from_secs(left.seconds.unsigned_abs());
        }
        pass(Duration::from_secs(left.seconds.unsigned_abs() + 1)).await;
    };
    let started = Instant::now();
    let channel = narrow(&server);
    let (sender, answers) = exchange(&channel).await;
    for id in 1..=120 {
        sender.send(message(id, Wanted::Acquire(one.clone().into()))).await.expect("the server reads it");
        if id == 3 {
            pass(Duration::from_millis(200)).await; // these alone exceed the receive window
        }
    }
    exhaust(&mut client).await;
    drop((sender, answers, channel));
    let twenty =
        v1::AcquireLeaseRequest { permits: Some(20), max_wait: Some(seconds(3)), ..Default::default() };
    let mut granted = 0;
    // The server sees the end of the stream on one connection, and these requests on another.
    while granted < 4 && started.elapsed() < left {
        match client.acquire_lease(twenty.clone()).await {
            Ok(_) => granted += 1,
            Err(_) => pass(Duration::from_millis(20)).await,
        }
    }
    assert_eq!(granted, 4, "the permits did not return in their window");
    assert!(started.elapsed() < left, "nothing was tested: another window has started");
    server.has_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_workspace_grants_leases_at_once() {
    let server = Server::fresh();
    let channel = server.channel();
    let tasks = (0..80).map(|n| {
        let channel = channel.clone();
        tokio::spawn(async move {
            let workspace = format!("w{n}");
            let create = v1::CreateWorkspaceRequest {
                workspace_id: workspace.clone(),
                workspace: Some(v1::Workspace { preset: "intercom".into(), ..Default::default() }),
                ..Default::default()
            };
            AdminServiceClient::new(channel.clone()).create_workspace(create).await.expect("a new workspace");
            let ask =
                v1::AcquireLeaseRequest { workspace, max_wait: Some(seconds(30)), ..Default::default() };
            Client::new(channel)
                .acquire_lease(ask)
                .await
                .map(|_| ())
                .map_err(|status| status.message().to_owned())
        })
    });
    let mut refused = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        refused.extend(task.await.expect("no panic").err());
    }
    assert!(refused.is_empty(), "{} of 80: {refused:?}", refused.len());
    server.has_not_panicked();
}
