//! Workspaces over gRPC: what is changed is durable, in force and in the audit; what is refused changes nothing.

use crate::policy::{limit, mask, team_request, with_workspace, workspace};
use crate::served::{self, reason};
use apportion_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_made_changed_and_deleted_and_each_step_is_in_the_audit() {
    let (served, made) = with_workspace(100).await;
    let mut admin = served.admin();
    assert_eq!((made.name.as_str(), made.limits[0].permits), ("workspaces/w", 100));
    assert_eq!(made.holdback.map(|shares| shares.critical_billionths), Some(200_000_000));
    let show = v1::GetWorkspaceRequest { name: made.name.clone() };
    let shown = admin.get_workspace(show.clone()).await.expect("shown").into_inner().workspace;
    assert_eq!(shown, Some(made.clone()));
    let update = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace {
            limits: vec![limit("l", 50, 10)],
            others_memory_windows: Some(9),
            ..made.clone()
        }),
        update_mask: mask(&["limits"]),
        ..Default::default()
    };
    let changed = admin.update_workspace(update.clone()).await.expect("changed").into_inner();
    let changed = changed.workspace.expect("it comes back");
    assert_eq!((changed.limits[0].permits, changed.others_memory_windows), (50, Some(3)));
    assert_ne!(changed.etag, made.etag);
    assert_eq!(reason(admin.update_workspace(update).await), "STALE_ETAG");
    let delete = v1::DeleteWorkspaceRequest { name: made.name.clone(), ..Default::default() };
    let stale = v1::DeleteWorkspaceRequest { etag: made.etag, ..delete.clone() };
    assert_eq!(reason(admin.delete_workspace(stale).await), "STALE_ETAG");
    admin.delete_workspace(delete.clone()).await.expect("deleted");
    assert_eq!(reason(admin.delete_workspace(delete).await), "UNKNOWN_WORKSPACE");
    assert_eq!(reason(admin.get_workspace(show).await), "UNKNOWN_WORKSPACE");
    let audit = served.audit("workspaces/w").await;
    let methods: Vec<_> = audit.iter().map(|entry| entry.method.as_str()).collect();
    assert_eq!(methods, ["DeleteWorkspace", "UpdateWorkspace", "CreateWorkspace"]);
    assert!(audit.iter().all(|entry| entry.actor == "tokens/environment" && entry.time.is_some()));
    let changes: Vec<_> = audit[1].changes.iter().collect();
    let told =
        changes.iter().map(|change| (&*change.path, change.before.as_deref(), change.after.as_deref()));
    assert_eq!(told.collect::<Vec<_>>(), [("limits.l.permits", Some("100"), Some("50"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_workspace_is_refused_by_reason_and_leaves_no_entry() {
    let (served, made) = with_workspace(100).await;
    let mut admin = served.admin();
    let create = |id: &str, workspace| v1::CreateWorkspaceRequest {
        workspace_id: id.into(),
        workspace: Some(workspace),
        ..Default::default()
    };
    let shares = Some(v1::PriorityShares { critical_billionths: 900_000_000, ..Default::default() });
    let tight = v1::Limit {
        guard: Some(prost_types::Duration { seconds: 0, nanos: 2_000_000 }),
        ..limit("l", 1, 10)
    };
    let life = |nanos| Some(prost_types::Duration { seconds: 0, nanos });
    let dead = v1::Limit { lease_life: life(0), ..limit("l", 1, 10) };
    let tight = v1::Limit { lease_life: life(1_000_000), ..tight };
    for (request, expected) in [
        (create("w", workspace(5)), "ALREADY_EXISTS"),
        (create("", workspace(5)), "MALFORMED"),
        (create("x", v1::Workspace::default()), "MALFORMED"),
        (create("x", v1::Workspace { preset: "none".into(), ..Default::default() }), "MALFORMED"),
        (create("x", v1::Workspace { limits: vec![dead], ..Default::default() }), "MALFORMED"),
        (create("x", v1::Workspace { limits: vec![tight], ..Default::default() }), "POLICY_CONFLICT"),
        (create("x", v1::Workspace { holdback: shares, ..workspace(100) }), "POLICY_OVERCOMMITTED"),
    ] {
        assert_eq!(reason(admin.create_workspace(request).await), expected);
    }
    let update = |workspace, paths: &[&str]| v1::UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: mask(paths),
        ..Default::default()
    };
    let odd = update(made.clone(), &["speed"]);
    assert_eq!(reason(admin.update_workspace(odd).await), "MALFORMED");
    let none = update(v1::Workspace { name: "workspaces/none".into(), ..made.clone() }, &["limits"]);
    assert_eq!(reason(admin.update_workspace(none).await), "UNKNOWN_WORKSPACE");
    let same = admin.update_workspace(update(made.clone(), &["*"])).await.expect("allowed").into_inner();
    assert_eq!(same.workspace, Some(made));
    assert_eq!(served.audit("workspaces/de").await.len(), 0, "a resource is a name, not a prefix of letters");
    assert_eq!(served.audit("").await.len(), 2, "the two that were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_validated_changes_nothing() {
    let (served, made) = with_workspace(100).await;
    let mut admin = served.admin();
    let before = served.audit("").await;
    let validate_only = true;
    let create = v1::CreateWorkspaceRequest {
        workspace_id: "x".into(),
        workspace: Some(workspace(5)),
        validate_only,
        ..Default::default()
    };
    let could = admin.create_workspace(create).await.expect("it could be").into_inner().workspace;
    assert_eq!(could.map(|workspace| workspace.name).as_deref(), Some("workspaces/x"));
    let update = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace { name: made.name.clone(), ..workspace(7) }),
        validate_only,
        ..Default::default()
    };
    admin.update_workspace(update).await.expect("it could be");
    let team = v1::CreateTeamRequest { validate_only, ..team_request("a", v1::Team::default()) };
    admin.create_team(team).await.expect("it could be");
    let token = v1::CreateTokenRequest { validate_only, ..served::client_token("t") };
    assert_eq!(admin.create_token(token).await.expect("it could be").into_inner().secret, "");
    let delete = v1::DeleteWorkspaceRequest { name: made.name.clone(), validate_only, ..Default::default() };
    admin.delete_workspace(delete).await.expect("it could be");
    assert_eq!(served.audit("").await, before);
    let show = v1::GetWorkspaceRequest { name: made.name.clone() };
    assert_eq!(admin.get_workspace(show).await.expect("there").into_inner().workspace, Some(made));
    let none = v1::GetWorkspaceRequest { name: "workspaces/x".into() };
    assert_eq!(reason(admin.get_workspace(none).await), "UNKNOWN_WORKSPACE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_there_after_a_restart() {
    let (served, made) = with_workspace(100).await;
    let team = v1::Team { weight: Some(7), ..Default::default() };
    served.admin().create_team(team_request("a", team)).await.expect("created");
    let secret =
        served.admin().create_token(served::client_token("t")).await.expect("made").into_inner().secret;
    let delete = v1::DeleteWorkspaceRequest { name: "workspaces/default".into(), ..Default::default() };
    served.admin().delete_workspace(delete).await.expect("deleted");
    let audit = served.audit("").await;
    let served = served.restart().await;
    let list = v1::ListWorkspacesRequest::default();
    let workspaces = served.admin().list_workspaces(list).await.expect("listed").into_inner().workspaces;
    assert_eq!(workspaces, [made]);
    let show = v1::GetTeamRequest { name: "workspaces/w/teams/a".into() };
    let team = served.admin().get_team(show).await.expect("there").into_inner().team;
    assert_eq!(team.and_then(|team| team.weight), Some(7));
    assert_eq!(served.audit("").await, audit);
    let acquire = v1::AcquireLeaseRequest {
        workspace: "w".into(),
        team: "a".into(),
        permits: Some(1),
        ..Default::default()
    };
    served.quota_as(&secret).acquire_lease(acquire).await.expect("granted");
}
