//! Settles, alone and in batches.

use apportion_proto::v1;
use apportion_proto::v1::settle_outcome::Outcome;
use prost_types::Timestamp;
use tonic::Code;

use crate::world::{World, is_malformed, is_refused, settle, span};

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
        ("used_permits", v1::SettleLeaseRequest { used_permits: u32::MAX, ..settle(&id) }),
        ("returned_permits", v1::SettleLeaseRequest { returned_permits: u32::MAX, ..settle(&id) }),
        (
            "observations",
            v1::SettleLeaseRequest { observations: vec![Default::default(); 65], ..settle(&id) },
        ),
        ("observations[0].status", observed(v1::Observation { status: 99, ..Default::default() })),
        ("observations[0].limit", observed(v1::Observation { limit: "/".into(), ..Default::default() })),
        (
            "observations[0].limit_permits",
            observed(v1::Observation { limit_permits: Some(u32::MAX), ..Default::default() }),
        ),
        (
            "observations[0].remaining_permits",
            observed(v1::Observation { remaining_permits: Some(u32::MAX), ..Default::default() }),
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
    for (field, request) in cases {
        is_malformed(world.client.settle_lease(request).await, field);
    }
    let unknown = observed(v1::Observation { limit: "per-year".into(), ..Default::default() });
    is_refused(
        world.client.settle_lease(unknown).await,
        Code::InvalidArgument,
        "UNKNOWN_LIMIT",
        "observations[0].limit",
    );
    let excess = v1::SettleLeaseRequest { used_permits: 1, returned_permits: 1, ..settle(&id) };
    is_refused(world.client.settle_lease(excess).await, Code::InvalidArgument, "SETTLED_TOO_MUCH", "");
    let stolen = v1::SettleLeaseRequest { caller: "thief".into(), returned_permits: 1, ..settle(&id) };
    is_refused(world.client.settle_lease(stolen).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    let mut forged = id.clone().into_bytes();
    let last = forged.last_mut().expect("not empty");
    *last = if *last == b'0' { b'1' } else { b'0' };
    let forged = settle(&String::from_utf8(forged).expect("ASCII"));
    is_refused(world.client.settle_lease(forged).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    is_refused(world.client.settle_lease(settle("x")).await, Code::PermissionDenied, "NOT_YOUR_LEASE", "");
    let nowhere = v1::SettleLeaseRequest { workspace: "nowhere".into(), ..settle(&id) };
    is_refused(world.client.settle_lease(nowhere).await, Code::NotFound, "UNKNOWN_WORKSPACE", "");
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_settle_that_is_repeated_late_or_absurd_is_no_error_and_returns_permits_once() {
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
        assert_eq!(world.settled(report.clone()).await.accepted_permits, accepted);
    }
    let last = v1::SettleLeaseRequest { is_final: true, ..report };
    for _ in 0..2 {
        let settled = world.settled(last.clone()).await;
        assert_eq!((settled.accepted_permits, settled.open), (0, false));
    }
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_batch_is_checked_as_a_whole_and_each_settle_by_itself() {
    let mut world = World::new();
    let id = world.lease().await.lease_id;
    for count in [0, 1_001] {
        let batch = v1::BatchSettleLeasesRequest { requests: vec![settle(&id); count] };
        is_malformed(world.client.batch_settle_leases(batch).await, "requests");
    }
    let good = v1::SettleLeaseRequest { used_permits: 1, is_final: true, ..settle(&id) };
    let stolen = v1::SettleLeaseRequest { caller: "thief".into(), ..settle(&id) };
    let requests = vec![settle(""), stolen, settle("x"), good];
    let batch = v1::BatchSettleLeasesRequest { requests };
    let outcomes = world.client.batch_settle_leases(batch).await.expect("outcomes").into_inner().outcomes;
    let reasons: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome.outcome.expect("settled or refused") {
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
async fn a_message_above_its_bound_fails_only_its_own_call() {
    let mut world = World::new();
    let request = v1::SettleLeaseRequest { caller: "c".repeat(2_000), ..settle("x") };
    let batch = v1::BatchSettleLeasesRequest { requests: vec![request; 1_000] };
    let refused = world.client.batch_settle_leases(batch).await.expect_err("2 MB");
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    world.serves_as_before().await;
}
