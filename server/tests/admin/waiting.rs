//! Changes of policy while requests wait.

use crate::policy::{mask, team_request, with_workspace};
use crate::served::{self, Served, reason};
use apportion_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cap_is_in_force_for_a_waiting_request() {
    let (served, _) = with_workspace(100).await;
    let paused = v1::Team { cap_permits: Some(1), ..Default::default() };
    served.admin().create_team(team_request("a", paused)).await.expect("created");
    let acquire = |permits| v1::AcquireLeaseRequest {
        workspace: "w".into(),
        team: "a".into(),
        permits: Some(permits),
        max_wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };
    served.quota_as(served::ROOT).acquire_lease(acquire(1)).await.expect("granted");
    let mut client = served.quota_as(served::ROOT);
    let waiting = tokio::spawn(async move { client.acquire_lease(acquire(1)).await });
    served.until_waiting("w", 1).await;
    let update = v1::UpdateTeamRequest {
        team: Some(v1::Team {
            name: "workspaces/w/teams/a".into(),
            cap_permits: Some(50),
            ..Default::default()
        }),
        ..Default::default()
    };
    served.admin().update_team(update).await.expect("changed");
    waiting.await.expect("no panic").expect("granted");
}

/// A lease of a team of `w`, asked for until a minute from now.
fn acquire(team: &str, permits: u32) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: "w".into(),
        team: team.into(),
        permits: Some(permits),
        max_wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    }
}

/// Asks in the background.
fn asked(
    served: &Served,
    request: v1::AcquireLeaseRequest,
) -> tokio::task::JoinHandle<Result<tonic::Response<v1::AcquireLeaseResponse>, tonic::Status>> {
    let mut client = served.quota_as(served::ROOT);
    tokio::spawn(async move { client.acquire_lease(request).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_a_deleted_team_or_workspace_are_refused_at_once() {
    let (served, _) = with_workspace(100).await;
    let paused = v1::Team { cap_permits: Some(1), ..Default::default() };
    for id in ["a", "b"] {
        served.admin().create_team(team_request(id, paused.clone())).await.expect("created");
        served.quota_as(served::ROOT).acquire_lease(acquire(id, 1)).await.expect("granted");
    }
    let (of_a, of_b) = (asked(&served, acquire("a", 1)), asked(&served, acquire("b", 1)));
    served.until_waiting("w", 2).await;
    let delete = v1::DeleteTeamRequest { name: "workspaces/w/teams/a".into(), ..Default::default() };
    served.admin().delete_team(delete).await.expect("deleted");
    assert_eq!(reason(of_a.await.expect("no panic")), "UNKNOWN_TEAM");
    let whole = v1::DeleteWorkspaceRequest { name: "workspaces/w".into(), force: true, ..Default::default() };
    served.admin().delete_workspace(whole).await.expect("deleted");
    assert_eq!(reason(of_b.await.expect("no panic")), "UNKNOWN_WORKSPACE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_priority_and_a_raised_cap_apply_to_waiting_requests() {
    let (served, _) = with_workspace(100).await;
    let paused = v1::Team { cap_permits: Some(1), ..Default::default() };
    served.admin().create_team(team_request("a", paused)).await.expect("created");
    served.quota_as(served::ROOT).acquire_lease(acquire("a", 1)).await.expect("granted");
    let waiting = asked(&served, acquire("a", 1));
    served.until_waiting("w", 1).await;
    let (priority, weight) = (v1::Priority::Sheddable.into(), Some(7));
    let team = v1::Team {
        name: "workspaces/w/teams/a".into(),
        cap_permits: Some(50),
        priority,
        highest_priority: priority,
        weight,
        ..Default::default()
    };
    let update = v1::UpdateTeamRequest {
        team: Some(team),
        update_mask: mask(&["cap_permits", "priority", "highest_priority", "weight"]),
        ..Default::default()
    };
    served.admin().update_team(update).await.expect("changed");
    let served_at = |answer: tonic::Response<v1::AcquireLeaseResponse>| {
        answer.into_inner().lease.expect("granted").priority()
    };
    assert_eq!(served_at(waiting.await.expect("no panic").expect("granted")), v1::Priority::Sheddable);
    let next = served.quota_as(served::ROOT).acquire_lease(acquire("a", 1)).await.expect("granted");
    assert_eq!(served_at(next), v1::Priority::Sheddable);
}
