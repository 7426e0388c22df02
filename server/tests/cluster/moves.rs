//! Owners that change or stop while requests wait.

use crate::nodes::{Nodes, acquire};
use apportion_proto::v1;
use std::collections::{HashMap, HashSet};

/// Lets the team `default` have one permit a window at this node, and takes it: further requests wait there.
async fn pause(nodes: &Nodes, node: usize) {
    let team = v1::Team {
        name: "workspaces/default/teams/default".into(),
        cap_permits: Some(1),
        ..Default::default()
    };
    let update = v1::UpdateTeamRequest { team: Some(team), ..Default::default() };
    nodes.admin(node).update_team(update).await.expect("changed");
    nodes.quota(node).acquire_lease(acquire(1)).await.expect("granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_at_an_owner_that_stops_are_granted_by_the_next_one() {
    let mut nodes = Nodes::start(3).await;
    nodes.quota(1).acquire_lease(acquire(1)).await.expect("granted");
    let waits: Vec<_> = (0..20)
        .map(|n| {
            let mut client = nodes.quota(1);
            let request = v1::AcquireLeaseRequest { request_id: format!("r{n}"), ..acquire(1) };
            tokio::spawn(async move { client.acquire_lease(request).await })
        })
        .collect();
    nodes.stop(0).await;
    nodes.give(2, 2);
    let mut names = HashMap::new();
    for waits in waits {
        let lease = waits.await.expect("no panic").expect("granted").into_inner().lease.expect("a lease");
        *names.entry(lease.lease_id).or_insert(0) += 1;
    }
    assert!(names.values().all(|&count| count == 1), "no lease is answered twice: {names:?}");
    assert!(nodes.snapshot(1).await.teams[0].granted_permits <= 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_stream_grants_nothing_twice_under_one_request() {
    let nodes = Nodes::start(3).await;
    pause(&nodes, 0).await;
    let waits: Vec<_> = (0..5)
        .map(|_| {
            let mut client = nodes.quota(1);
            tokio::spawn(async move { client.acquire_lease(acquire(1)).await })
        })
        .collect();
    // Few enough for one permit a window. One may begin meanwhile, with a permit for one of them.
    nodes.until_waiting(0, |waiting| waiting >= 4).await;
    nodes.give(2, 2);
    let mut names = HashSet::new();
    for waits in waits {
        let lease = waits.await.expect("no panic").expect("granted").into_inner().lease;
        names.insert(lease.expect("a lease").lease_id);
    }
    assert_eq!(names.len(), 5);
    assert!(nodes.snapshot(2).await.teams[0].granted_permits <= 5, "nothing was granted twice");
    // Those that were made again elsewhere do not wait at the former owner any more.
    nodes.believe(0, 0, 1);
    nodes.until_waiting(0, |waiting| waiting == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_meets_no_owner_is_taken_by_the_next_one() {
    let nodes = Nodes::start(3).await;
    let lease = nodes.quota(1).acquire_lease(acquire(2)).await.expect("granted").into_inner().lease;
    nodes.orphan();
    let report = v1::SettleLeaseRequest {
        lease_id: lease.expect("a lease").lease_id,
        used_permits: 2,
        is_final: true,
        ..Default::default()
    };
    let mut client = nodes.quota(1);
    let settles = tokio::spawn(async move { client.settle_lease(report).await });
    tokio::task::yield_now().await;
    nodes.give(0, 2);
    settles.await.expect("no panic").expect("settled");
}
