//! Every call of the quota service with every field empty, huge, malformed or foreign: the right refusal, and it serves on.

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Wanted;
use apportion_proto::v1::exchange_response::Response as Answer;
use apportion_proto::v1::settle_outcome::Outcome;
use apportion_tests::process::load::Client;
use apportion_tests::process::server::Server;
use prost_types::{Duration, Timestamp};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const HUGE: u32 = u32::MAX;

fn acquire() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest { max_wait: Some(span(0, 0)), ..Default::default() }
}

fn settle(lease_id: &str) -> v1::SettleLeaseRequest {
    v1::SettleLeaseRequest { lease_id: lease_id.into(), ..Default::default() }
}

fn span(seconds: i64, nanos: i32) -> Duration {
    Duration { seconds, nanos }
}

/// A server of its own, and a client.
struct World {
    server: Server,
    client: Client,
    _home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let server = Server::start(home.path());
        let client = Client::new(server.channel());
        Self { server, client, _home: home }
    }

    /// A lease of one permit for the default caller. There is room in the window, or in the next.
    async fn lease(&mut self) -> v1::Lease {
        let ask = v1::AcquireLeaseRequest { max_wait: Some(span(12, 0)), ..acquire() };
        let granted = self.client.acquire_lease(ask).await.expect("a lease").into_inner();
        granted.lease.expect("a lease")
    }

    /// It serves as before, and none of its threads has panicked.
    async fn serves_as_before(mut self) {
        let lease = self.lease().await;
        let report =
            v1::SettleLeaseRequest { returned_permits: 1, is_final: true, ..settle(&lease.lease_id) };
        let settled = self.client.settle_lease(report).await.expect("settled").into_inner().settled;
        assert!(!settled.expect("an outcome").open);
        self.server.has_not_panicked();
        assert!(self.server.stop(std::time::Duration::from_secs(15)).success());
    }
}

/// A refusal is complete: status, domain, reason, the field at fault, and a text that says something.
fn is_refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, reason: &str, field: &str) {
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
    let bad = details.bad_request().map_or("", |bad| &bad.field_violations[0].field);
    if code == Code::InvalidArgument {
        assert_eq!(bad, field, "{status:?}");
    }
    assert_eq!(details.quota_failure().is_some(), code == Code::ResourceExhausted, "{status:?}");
}

#[tokio::test]
async fn every_field_of_a_request_for_a_lease_is_checked() {
    let mut world = World::new();
    type Case = (&'static str, v1::AcquireLeaseRequest);
    let long = || "a".repeat(5_000);
    let cases: Vec<Case> = vec![
        ("workspace", v1::AcquireLeaseRequest { workspace: "a/b".into(), ..acquire() }),
        ("workspace", v1::AcquireLeaseRequest { workspace: long(), ..acquire() }),
        ("team", v1::AcquireLeaseRequest { team: "\0".into(), ..acquire() }),
        ("team", v1::AcquireLeaseRequest { team: long(), ..acquire() }),
        ("caller", v1::AcquireLeaseRequest { caller: "a b".into(), ..acquire() }),
        ("caller", v1::AcquireLeaseRequest { caller: "ä".into(), ..acquire() }),
        ("caller", v1::AcquireLeaseRequest { caller: long(), ..acquire() }),
        ("priority", v1::AcquireLeaseRequest { priority: 9, ..acquire() }),
        ("priority", v1::AcquireLeaseRequest { priority: i32::MIN, ..acquire() }),
        ("permits", v1::AcquireLeaseRequest { permits: Some(0), ..acquire() }),
        ("permits", v1::AcquireLeaseRequest { permits: Some(HUGE), ..acquire() }),
        ("min_permits", v1::AcquireLeaseRequest { min_permits: Some(0), ..acquire() }),
        ("min_permits", v1::AcquireLeaseRequest { permits: Some(2), min_permits: Some(3), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(-1, 0)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(3_600, 1)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(i64::MAX, i32::MAX)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(1, -1)), ..acquire() }),
        ("request_id", v1::AcquireLeaseRequest { request_id: "\n".into(), ..acquire() }),
        ("request_id", v1::AcquireLeaseRequest { request_id: long(), ..acquire() }),
    ];
    for (field, ask) in cases {
        is_refused(world.client.acquire_lease(ask).await, Code::InvalidArgument, "MALFORMED", field);
    }
    let large = v1::AcquireLeaseRequest { permits: Some(167), ..acquire() };
    is_refused(world.client.acquire_lease(large).await, Code::InvalidArgument, "TOO_LARGE", "");
    let nowhere = v1::AcquireLeaseRequest { workspace: "nowhere".into(), ..acquire() };
    is_refused(world.client.acquire_lease(nowhere).await, Code::NotFound, "UNKNOWN_WORKSPACE", "");
    let nobody = v1::AcquireLeaseRequest { team: "nobody".into(), ..acquire() };
    is_refused(world.client.acquire_lease(nobody).await, Code::NotFound, "UNKNOWN_TEAM", "");
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_request_id_gives_the_same_lease_and_no_other_request_its_place() {
    let mut world = World::new();
    let ask = v1::AcquireLeaseRequest { request_id: "r1".into(), max_wait: Some(span(12, 0)), ..acquire() };
    let first =
        world.client.acquire_lease(ask.clone()).await.expect("a lease").into_inner().lease.expect("a lease");
    let again =
        world.client.acquire_lease(ask.clone()).await.expect("a lease").into_inner().lease.expect("a lease");
    assert_eq!(first.lease_id, again.lease_id);
    let other = v1::AcquireLeaseRequest { permits: Some(2), ..ask.clone() };
    is_refused(world.client.acquire_lease(other).await, Code::InvalidArgument, "REQUEST_ID_REUSED", "");
    let report = v1::SettleLeaseRequest { used_permits: 1, is_final: true, ..settle(&first.lease_id) };
    world.client.settle_lease(report).await.expect("settled");
    world.serves_as_before().await;
}

#[tokio::test]
async fn every_field_of_a_settle_is_checked() {
    let mut world = World::new();
    let id = world.lease().await.lease_id;
    let observed = |observation| v1::SettleLeaseRequest { observations: vec![observation], ..settle(&id) };
    let reset = |reset| observed(v1::Observation { reset: Some(reset), ..Default::default() });
    use v1::observation::Reset::{ResetAfter, ResetTime};
    let cases = vec![
        ("lease_id", settle("")),
        ("lease_id", settle("a b")),
        ("lease_id", settle(&"a".repeat(129))),
        ("workspace", v1::SettleLeaseRequest { workspace: "-".into(), ..settle(&id) }),
        ("team", v1::SettleLeaseRequest { team: "a".repeat(64), ..settle(&id) }),
        ("caller", v1::SettleLeaseRequest { caller: "\u{7f}".into(), ..settle(&id) }),
        ("used_permits", v1::SettleLeaseRequest { used_permits: HUGE, ..settle(&id) }),
        ("returned_permits", v1::SettleLeaseRequest { returned_permits: HUGE, ..settle(&id) }),
        (
            "observations",
            v1::SettleLeaseRequest { observations: vec![Default::default(); 65], ..settle(&id) },
        ),
        ("observations[0].status", observed(v1::Observation { status: 99, ..Default::default() })),
        ("observations[0].limit", observed(v1::Observation { limit: "/".into(), ..Default::default() })),
        (
            "observations[0].limit_permits",
            observed(v1::Observation { limit_permits: Some(HUGE), ..Default::default() }),
        ),
        (
            "observations[0].remaining_permits",
            observed(v1::Observation { remaining_permits: Some(HUGE), ..Default::default() }),
        ),
        ("observations[0].reset_time", reset(ResetTime(Timestamp { seconds: -1, nanos: 0 }))),
        ("observations[0].reset_time", reset(ResetTime(Timestamp { seconds: i64::MAX, nanos: i32::MAX }))),
        ("observations[0].reset_after", reset(ResetAfter(span(-1, 0)))),
        (
            "observations[0].reset_precision",
            observed(v1::Observation { reset_precision: Some(span(3_601, 0)), ..Default::default() }),
        ),
        (
            "observations[0].retry_after",
            observed(v1::Observation { retry_after: Some(span(i64::MIN, 0)), ..Default::default() }),
        ),
        ("observations[0].age", observed(v1::Observation { age: Some(span(0, -1)), ..Default::default() })),
    ];
    for (field, report) in cases {
        is_refused(world.client.settle_lease(report).await, Code::InvalidArgument, "MALFORMED", field);
    }
    let strange = observed(v1::Observation { limit: "per-year".into(), ..Default::default() });
    is_refused(
        world.client.settle_lease(strange).await,
        Code::InvalidArgument,
        "UNKNOWN_LIMIT",
        "observations[0].limit",
    );
    let much = v1::SettleLeaseRequest { used_permits: 1, returned_permits: 1, ..settle(&id) };
    is_refused(world.client.settle_lease(much).await, Code::InvalidArgument, "SETTLED_TOO_MUCH", "");
    let foreign = v1::SettleLeaseRequest { caller: "thief".into(), returned_permits: 1, ..settle(&id) };
    is_refused(world.client.settle_lease(foreign).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    let mut other = id.clone().into_bytes();
    let last = other.last_mut().expect("not empty");
    *last = if *last == b'0' { b'1' } else { b'0' };
    let invented = settle(&String::from_utf8(other).expect("ASCII"));
    is_refused(world.client.settle_lease(invented).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    is_refused(world.client.settle_lease(settle("x")).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    let nowhere = v1::SettleLeaseRequest { workspace: "nowhere".into(), ..settle(&id) };
    is_refused(world.client.settle_lease(nowhere).await, Code::NotFound, "UNKNOWN_WORKSPACE", "");
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_settle_that_is_repeated_or_late_or_absurd_is_no_error_and_gives_nothing_twice() {
    let mut world = World::new();
    let id = world.lease().await.lease_id;
    let absurd = v1::Observation {
        limit_permits: Some(0),
        remaining_permits: Some(1 << 28),
        reset: Some(v1::observation::Reset::ResetTime(Timestamp { seconds: 9_000_000_000, nanos: 0 })),
        retry_after: Some(span(31_622_400, 0)),
        ..Default::default()
    };
    let observations = vec![absurd; 64];
    let report = v1::SettleLeaseRequest { returned_permits: 1, observations, ..settle(&id) };
    for accepted in [1, 0] {
        let settled = world.client.settle_lease(report.clone()).await.expect("settled").into_inner().settled;
        assert_eq!(settled.expect("an outcome").accepted_permits, accepted);
    }
    let ended = v1::SettleLeaseRequest { is_final: true, ..report };
    for _ in 0..2 {
        let settled = world.client.settle_lease(ended.clone()).await.expect("settled").into_inner().settled;
        let settled = settled.expect("an outcome");
        assert_eq!((settled.accepted_permits, settled.open), (0, false));
    }
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_batch_is_checked_as_a_whole_and_each_settle_alone() {
    let mut world = World::new();
    let id = world.lease().await.lease_id;
    for many in [0, 1_001] {
        let batch = v1::BatchSettleLeasesRequest { requests: vec![settle(&id); many] };
        is_refused(
            world.client.batch_settle_leases(batch).await,
            Code::InvalidArgument,
            "MALFORMED",
            "requests",
        );
    }
    let good = v1::SettleLeaseRequest { used_permits: 1, is_final: true, ..settle(&id) };
    let foreign = v1::SettleLeaseRequest { caller: "thief".into(), ..settle(&id) };
    let requests = vec![settle(""), foreign, settle("x"), good];
    let batch = v1::BatchSettleLeasesRequest { requests };
    let outcomes = world.client.batch_settle_leases(batch).await.expect("outcomes").into_inner().outcomes;
    let reasons: Vec<_> = outcomes
        .into_iter()
        .map(|of| match of.outcome.expect("one of both") {
            Outcome::Settled(_) => v1::Reason::Unspecified,
            Outcome::Refusal(refusal) => refusal.reason(),
        })
        .collect();
    use v1::Reason::{Malformed, NotYourLease, Unspecified};
    assert_eq!(reasons, [Malformed, NotYourLease, NotYourLease, Unspecified]);
    let huge = v1::BatchSettleLeasesRequest { requests: vec![settle(&"a".repeat(2_000)); 1_000] };
    let status = world.client.batch_settle_leases(huge).await.expect_err("above a megabyte");
    assert_eq!(status.code(), Code::OutOfRange);
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_stream_answers_every_mistake_and_goes_on() {
    let mut world = World::new();
    let request = |id, request| v1::ExchangeRequest { id, request };
    let patient = v1::AcquireLeaseRequest { max_wait: Some(span(12, 0)), ..acquire() };
    let wrong = v1::AcquireLeaseRequest { permits: Some(0), ..acquire() };
    let nowhere = v1::AcquireLeaseRequest { workspace: "nowhere".into(), ..acquire() };
    let sent = vec![
        request(0, Some(Wanted::Acquire(acquire()))),
        request(1, None),
        request(2, Some(Wanted::Acquire(wrong))),
        request(3, Some(Wanted::Settle(settle("")))),
        request(4, Some(Wanted::Settle(settle("x")))),
        request(5, Some(Wanted::Acquire(nowhere))),
        request(6, Some(Wanted::Cancel(v1::Cancel {}))),
        request(u64::MAX, Some(Wanted::Acquire(patient))),
    ];
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    for message in sent {
        sender.send(message).await.expect("room");
    }
    let requests = async_stream(receiver);
    let mut answers = world.client.exchange(requests).await.expect("a stream").into_inner();
    let mut reasons = std::collections::BTreeMap::new();
    while reasons.len() < 7 {
        let answer = answers.message().await.expect("no error").expect("not the end");
        let (reason, field) = match answer.response.expect("one of them") {
            Answer::Refusal(refusal) => (refusal.reason(), refusal.field),
            Answer::Granted(lease) => {
                assert_ne!(lease.lease_id, "");
                (v1::Reason::Unspecified, String::new())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(reasons.insert(answer.id, (reason, field)), None, "answered twice");
    }
    let said = |id: u64| (reasons[&id].0, reasons[&id].1.as_str());
    use v1::Reason::{Malformed, NotYourLease, UnknownWorkspace, Unspecified};
    assert_eq!(said(0), (Malformed, "id"));
    assert_eq!(said(1), (Malformed, "request"));
    assert_eq!(said(2), (Malformed, "acquire.permits"));
    assert_eq!(said(3), (Malformed, "settle.lease_id"));
    assert_eq!(said(4), (NotYourLease, ""));
    assert_eq!(said(5), (UnknownWorkspace, ""));
    assert_eq!(said(u64::MAX), (Unspecified, ""));
    drop(sender);
    assert!(answers.message().await.expect("no error").is_none(), "the stream ends with its requests");
    world.serves_as_before().await;
}

/// Messages of a channel as a stream.
fn async_stream<T: Send + 'static>(
    receiver: tokio::sync::mpsc::Receiver<T>,
) -> impl tokio_stream::Stream<Item = T> {
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}

#[tokio::test]
async fn what_to_watch_is_checked_and_a_watcher_gets_a_snapshot_first() {
    let mut world = World::new();
    let watch = |workspace: &str, min_interval| v1::WatchWorkspaceRequest {
        workspace: workspace.into(),
        min_interval,
    };
    is_refused(
        world.client.watch_workspace(watch("a/b", None)).await,
        Code::InvalidArgument,
        "MALFORMED",
        "workspace",
    );
    is_refused(
        world.client.watch_workspace(watch("nowhere", None)).await,
        Code::NotFound,
        "UNKNOWN_WORKSPACE",
        "",
    );
    for interval in [span(0, 0), span(0, 249_999_999), span(60, 1), span(-1, 0), span(i64::MAX, i32::MAX)] {
        let refused = world.client.watch_workspace(watch("", Some(interval))).await;
        is_refused(refused, Code::InvalidArgument, "MALFORMED", "min_interval");
    }
    let mut snapshots = world.client.watch_workspace(watch("", None)).await.expect("a stream").into_inner();
    let first =
        snapshots.message().await.expect("no error").expect("a snapshot").snapshot.expect("a snapshot");
    assert_eq!((first.version, first.workspace.as_str()), (1, "default"));
    drop(snapshots);
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_message_beyond_its_bound_ends_its_call_and_nothing_else() {
    let mut world = World::new();
    let report = v1::SettleLeaseRequest { caller: "c".repeat(2_000), ..settle("x") };
    let batch = v1::BatchSettleLeasesRequest { requests: vec![report; 1_000] };
    let refused = world.client.batch_settle_leases(batch).await.expect_err("2 MB");
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    world.serves_as_before().await;
}
