//! What was used, over gRPC: counted by team, caller and reason, kept across restarts, forgotten with the workspace.

use crate::policy::{team_request, with_workspace, workspace};
use crate::served::{self, Served, reason};
use apportion_proto::v1;

fn acquire(caller: &str, permits: u32) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: "w".into(),
        team: "a".into(),
        caller: caller.into(),
        permits: Some(permits),
        max_wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    }
}

async fn used(served: &Served, request: v1::QueryUsageRequest) -> Vec<v1::UsageReport> {
    let request = v1::QueryUsageRequest { workspace: "w".into(), ..request };
    let reported = served.quota_as(served::ROOT).query_usage(request).await.expect("reported");
    reported.into_inner().reports
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_reported_after_a_restart_and_adds_up() {
    let (served, _) = with_workspace(100).await;
    let team = v1::Team { cap_permits: Some(50), ..Default::default() };
    served.admin().create_team(team_request("a", team)).await.expect("created");
    let mut served = served;
    for _ in 0..2 {
        let mut quota = served.quota_as(served::ROOT);
        let lease = quota.acquire_lease(acquire("x", 3)).await.expect("granted").into_inner().lease;
        quota.acquire_lease(acquire("y", 1)).await.expect("granted");
        assert_eq!(reason(quota.acquire_lease(acquire("y", 51)).await), "TOO_LARGE");
        let report = v1::SettleLeaseRequest {
            workspace: "w".into(),
            team: "a".into(),
            caller: "x".into(),
            lease_id: lease.expect("a lease").lease_id,
            used_permits: 1,
            returned_permits: 2,
            ..Default::default()
        };
        let settled = quota.settle_lease(report).await.expect("settled").into_inner().settled;
        assert_eq!(settled.map(|settled| settled.accepted_permits), Some(2));
        served = served.restart().await;
    }
    let by_team = used(&served, v1::QueryUsageRequest::default()).await;
    let [report] = &by_team[..] else { panic!("one report, not {by_team:?}") };
    let [row] = &report.rows[..] else { panic!("one row, not {report:?}") };
    assert_eq!((row.team.as_str(), row.granted_requests, row.granted_permits), ("a", 4, 8));
    assert_eq!((row.returned_permits, row.refused_requests), (4, 2));
    let refused = v1::RefusedUsage { reason: v1::Reason::TooLarge.into(), requests: 2 };
    assert_eq!(row.refused, [refused]);
    for resolution in [v1::UsageResolution::Hour, v1::UsageResolution::Day] {
        let group_by = v1::UsageGrouping::Caller.into();
        let request = v1::QueryUsageRequest { group_by, resolution: resolution.into(), ..Default::default() };
        let reports = used(&served, request).await;
        let rows = reports.iter().flat_map(|report| &report.rows);
        let of_x: u64 = rows.filter(|row| row.caller == "x").map(|row| row.granted_permits).sum();
        assert_eq!(of_x, 6, "{reports:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_workspace_leaves_no_usage() {
    let (served, _) = with_workspace(100).await;
    served.admin().create_team(team_request("a", v1::Team::default())).await.expect("created");
    served.quota_as(served::ROOT).acquire_lease(acquire("x", 1)).await.expect("granted");
    let served = served.restart().await;
    assert_eq!(used(&served, v1::QueryUsageRequest::default()).await.len(), 1);
    let delete =
        v1::DeleteWorkspaceRequest { name: "workspaces/w".into(), force: true, ..Default::default() };
    served.admin().delete_workspace(delete).await.expect("deleted");
    let request = v1::QueryUsageRequest { workspace: "w".into(), ..Default::default() };
    let mut quota = served.quota_as(served::ROOT);
    assert_eq!(reason(quota.query_usage(request).await), "UNKNOWN_WORKSPACE");
    let again = v1::CreateWorkspaceRequest {
        workspace_id: "w".into(),
        workspace: Some(workspace(100)),
        ..Default::default()
    };
    served.admin().create_workspace(again).await.expect("created again");
    assert_eq!(used(&served, v1::QueryUsageRequest::default()).await, []);
}
