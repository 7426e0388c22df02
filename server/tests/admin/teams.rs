//! Teams over gRPC: changed within the rules of their workspace, and seen by observers in scope.

use crate::policy::{team_request, with_workspace};
use crate::served::{self, reason};
use apportion_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_changed_and_deleted_within_the_rules_of_its_workspace() {
    let (served, _) = with_workspace(100).await;
    let mut admin = served.admin();
    let made = admin.create_team(team_request("a", v1::Team::default())).await.expect("created");
    let made = made.into_inner().team.expect("it comes back");
    assert_eq!((made.name.as_str(), made.weight), ("workspaces/w/teams/a", Some(1)));
    let part = v1::Team { parent_team: made.name.clone(), ..Default::default() };
    admin.create_team(team_request("b", part)).await.expect("created");
    let update = |name: &str, team: v1::Team| v1::UpdateTeamRequest {
        team: Some(v1::Team { name: name.into(), ..team }),
        ..Default::default()
    };
    let cycle = v1::Team { parent_team: "workspaces/w/teams/b".into(), ..Default::default() };
    let lost = v1::Team { parent_team: "workspaces/w/teams/none".into(), ..Default::default() };
    for (request, expected) in [
        (update(&made.name, cycle), "POLICY_CONFLICT"),
        (update(&made.name, lost), "UNKNOWN_TEAM"),
        (update(&made.name, v1::Team { weight: Some(0), ..Default::default() }), "MALFORMED"),
        (update(&made.name, v1::Team { etag: "0".into(), ..Default::default() }), "STALE_ETAG"),
        (update("workspaces/w/teams/none", v1::Team::default()), "UNKNOWN_TEAM"),
        (update("workspaces/none/teams/a", v1::Team::default()), "UNKNOWN_WORKSPACE"),
        (
            update(&made.name, v1::Team { reservation_permits: 66, ..Default::default() }),
            "POLICY_OVERCOMMITTED",
        ),
    ] {
        assert_eq!(reason(admin.update_team(request).await), expected);
    }
    let over = v1::Team { reservation_permits: 66, ..Default::default() };
    let over = v1::UpdateTeamRequest { allow_overcommit: true, ..update(&made.name, over) };
    let warned = admin.update_team(over).await.expect("allowed").into_inner();
    assert_eq!(warned.warnings.len(), 1, "35 permits of shares and 66 are 101 of 100");
    assert_eq!(reason(admin.create_team(team_request("a", v1::Team::default())).await), "ALREADY_EXISTS");
    let delete =
        |id: &str| v1::DeleteTeamRequest { name: format!("workspaces/w/teams/{id}"), ..Default::default() };
    assert_eq!(reason(admin.delete_team(delete("default")).await), "STILL_NEEDED");
    assert_eq!(reason(admin.delete_team(delete("a")).await), "STILL_NEEDED");
    assert_eq!(reason(admin.delete_team(delete("none")).await), "UNKNOWN_TEAM");
    let whole = v1::DeleteWorkspaceRequest { name: "workspaces/w".into(), ..Default::default() };
    assert_eq!(reason(admin.delete_workspace(whole.clone()).await), "STILL_NEEDED");
    admin.delete_team(delete("b")).await.expect("deleted");
    let entries = served.audit("workspaces/w/teams").await;
    assert_eq!(entries.len(), 4, "two made, one changed, one deleted");
    admin.delete_workspace(v1::DeleteWorkspaceRequest { force: true, ..whole }).await.expect("deleted");
    let show = v1::GetTeamRequest { name: made.name };
    assert_eq!(reason(admin.get_team(show).await), "UNKNOWN_WORKSPACE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_sees_the_workspaces_and_teams_of_its_scopes() {
    let (served, _) = with_workspace(100).await;
    let scopes = vec![v1::Scope { workspace: "w".into(), team: String::new() }];
    let token = v1::Token { role: v1::Role::Observer.into(), scopes, ..Default::default() };
    let request = v1::CreateTokenRequest { token: Some(token), ..served::client_token("o") };
    let secret = served.admin().create_token(request).await.expect("made").into_inner().secret;
    let mut observer = served.admin_as(&secret);
    let listed = observer.list_workspaces(v1::ListWorkspacesRequest::default()).await.expect("listed");
    let names: Vec<_> = listed.into_inner().workspaces.into_iter().map(|workspace| workspace.name).collect();
    assert_eq!(names, ["workspaces/w"]);
    let show = v1::GetTeamRequest { name: "workspaces/default/teams/default".into() };
    assert_eq!(reason(observer.get_team(show).await), "PERMISSION_DENIED");
    let change = team_request("a", v1::Team::default());
    assert_eq!(reason(observer.create_team(change).await), "PERMISSION_DENIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_of_one_team_sees_it_and_its_parts_and_not_the_workspace() {
    let (served, _) = with_workspace(100).await;
    let part = v1::Team { parent_team: "workspaces/w/teams/a".into(), ..Default::default() };
    for (id, team) in [("a", v1::Team::default()), ("part", part), ("b", v1::Team::default())] {
        served.admin().create_team(team_request(id, team)).await.expect("created");
    }
    let scopes = vec![v1::Scope { workspace: "w".into(), team: "a".into() }];
    let token = v1::Token { role: v1::Role::Observer.into(), scopes, ..Default::default() };
    let request = v1::CreateTokenRequest { token: Some(token), ..served::client_token("o") };
    let secret = served.admin().create_token(request).await.expect("made").into_inner().secret;
    let mut observer = served.admin_as(&secret);
    let list = v1::ListTeamsRequest { parent: "workspaces/w".into(), ..Default::default() };
    let teams = observer.list_teams(list).await.expect("listed").into_inner().teams;
    let names: Vec<_> =
        teams.iter().map(|team| team.name.trim_start_matches("workspaces/w/teams/")).collect();
    assert_eq!(names, ["a", "part"]);
    let show = |id: &str| v1::GetTeamRequest { name: format!("workspaces/w/teams/{id}") };
    observer.get_team(show("part")).await.expect("shown");
    assert_eq!(reason(observer.get_team(show("b")).await), "PERMISSION_DENIED");
    let whole = v1::GetWorkspaceRequest { name: "workspaces/w".into() };
    assert_eq!(reason(observer.get_workspace(whole).await), "PERMISSION_DENIED");
    let watch = v1::WatchWorkspaceRequest { workspace: "w".into(), ..Default::default() };
    let watched = served.quota_as(&secret).watch_workspace(watch).await;
    assert_eq!(reason(watched), "PERMISSION_DENIED");
}
