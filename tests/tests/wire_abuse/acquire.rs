//! Requests for leases.

use apportion_proto::v1;
use apportion_tests::process::wire::seconds;
use tonic::Code;

use crate::world::{World, acquire, is_malformed, is_refused, settle, span};

#[tokio::test]
async fn every_field_of_a_request_for_a_lease_is_checked() {
    let mut world = World::new();
    let long = || "a".repeat(5_000);
    let cases = vec![
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
        ("permits", v1::AcquireLeaseRequest { permits: Some(u32::MAX), ..acquire() }),
        ("min_permits", v1::AcquireLeaseRequest { min_permits: Some(0), ..acquire() }),
        ("min_permits", v1::AcquireLeaseRequest { permits: Some(2), min_permits: Some(3), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(-1, 0)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(3_600, 1)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(i64::MAX, i32::MAX)), ..acquire() }),
        ("max_wait", v1::AcquireLeaseRequest { max_wait: Some(span(1, -1)), ..acquire() }),
        ("request_id", v1::AcquireLeaseRequest { request_id: "\n".into(), ..acquire() }),
        ("request_id", v1::AcquireLeaseRequest { request_id: long(), ..acquire() }),
    ];
    for (field, request) in cases {
        is_malformed(world.client.acquire_lease(request).await, field);
    }
    let large = v1::AcquireLeaseRequest { permits: Some(167), ..acquire() };
    is_refused(world.client.acquire_lease(large).await, Code::InvalidArgument, "TOO_LARGE", "");
    let nowhere = v1::AcquireLeaseRequest { workspace: "nowhere".into(), ..acquire() };
    is_refused(world.client.acquire_lease(nowhere).await, Code::NotFound, "UNKNOWN_WORKSPACE", "");
    let no_team = v1::AcquireLeaseRequest { team: "nobody".into(), ..acquire() };
    is_refused(world.client.acquire_lease(no_team).await, Code::NotFound, "UNKNOWN_TEAM", "");
    world.serves_as_before().await;
}

#[tokio::test]
async fn a_request_id_is_for_one_request_whose_repeats_get_the_same_lease() {
    let mut world = World::new();
    let request =
        v1::AcquireLeaseRequest { request_id: "r1".into(), max_wait: Some(seconds(12)), ..acquire() };
    let first = world.lease_for(request.clone()).await;
    let repeat = world.lease_for(request.clone()).await;
    assert_eq!(first.lease_id, repeat.lease_id);
    let other = v1::AcquireLeaseRequest { permits: Some(2), ..request };
    is_refused(world.client.acquire_lease(other).await, Code::InvalidArgument, "REQUEST_ID_REUSED", "");
    world
        .settled(v1::SettleLeaseRequest { used_permits: 1, is_final: true, ..settle(&first.lease_id) })
        .await;
    world.serves_as_before().await;
}
