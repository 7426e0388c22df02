//! Policy over gRPC: what is changed is durable, in force and in the audit; what is refused changes nothing.

use crate::served::{self, Served, reason};
use apportion_proto::v1;

fn limit(id: &str, permits: u32, seconds: i64) -> v1::Limit {
    let window = Some(prost_types::Duration { seconds, nanos: 0 });
    v1::Limit { limit_id: id.into(), permits, window, ..v1::Limit::default() }
}

fn workspace(permits: u32) -> v1::Workspace {
    v1::Workspace { limits: vec![limit("l", permits, 10)], ..v1::Workspace::default() }
}

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|path| String::from(*path)).collect() })
}

fn team_request(id: &str, team: v1::Team) -> v1::CreateTeamRequest {
    let (parent, team_id, team) = ("workspaces/w".into(), id.into(), Some(team));
    v1::CreateTeamRequest { parent, team_id, team, ..Default::default() }
}

async fn with_workspace(permits: u32) -> (Served, v1::Workspace) {
    let served = Served::start().await;
    let request = v1::CreateWorkspaceRequest {
        workspace_id: "w".into(),
        workspace: Some(workspace(permits)),
        ..Default::default()
    };
    let made = served.admin().create_workspace(request).await.expect("created").into_inner();
    (served, made.workspace.expect("it comes back"))
}

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
async fn a_workspace_that_does_not_hold_is_refused_by_reason_and_leaves_no_entry() {
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
async fn lists_come_in_pages_and_a_page_token_holds_for_its_own_list() {
    let (served, _) = with_workspace(100).await;
    let mut admin = served.admin();
    for id in ["a", "b"] {
        admin.create_team(team_request(id, v1::Team::default())).await.expect("created");
    }
    let mut list = v1::ListTeamsRequest { parent: "workspaces/w".into(), page_size: 2, ..Default::default() };
    let first = admin.list_teams(list.clone()).await.expect("listed").into_inner();
    list.page_token.clone_from(&first.next_page_token);
    let second = admin.list_teams(list.clone()).await.expect("listed").into_inner();
    let names = |page: &v1::ListTeamsResponse| {
        page.teams.iter().map(|team| team.name.trim_start_matches("workspaces/w/teams/").to_owned()).collect()
    };
    let (one, two): (Vec<String>, Vec<String>) = (names(&first), names(&second));
    assert_eq!((one, two), (vec!["a".into(), "b".into()], vec!["default".into()]));
    assert_eq!(second.next_page_token, "");
    list.parent = "workspaces/default".into();
    assert_eq!(reason(admin.list_teams(list).await), "BAD_PAGE_TOKEN");
    let mut audit = v1::ListAuditEntriesRequest { page_size: 3, ..Default::default() };
    let first = admin.list_audit_entries(audit.clone()).await.expect("listed").into_inner();
    audit.page_token = first.next_page_token;
    let second = admin.list_audit_entries(audit).await.expect("listed").into_inner();
    let entries = first.audit_entries.into_iter().chain(second.audit_entries);
    let resources: Vec<_> = entries.map(|entry| entry.resource).collect();
    let expected = ["workspaces/w/teams/b", "workspaces/w/teams/a", "workspaces/w", "workspaces/default"];
    assert_eq!((resources, second.next_page_token), (expected.map(String::from).to_vec(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_role_allows_until_it_is_deleted() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let made = admin.create_token(served::client_token("t")).await.expect("made").into_inner();
    let again = admin.create_token(served::client_token("t")).await;
    assert_eq!(reason(again), "ALREADY_EXISTS");
    let nobody = v1::CreateTokenRequest { token: Some(v1::Token::default()), ..served::client_token("u") };
    assert_eq!(reason(admin.create_token(nobody).await), "MALFORMED");
    let acquire = v1::AcquireLeaseRequest { permits: Some(1), ..Default::default() };
    let mut client = served.quota_as(&made.secret);
    client.acquire_lease(acquire.clone()).await.expect("granted");
    let mut as_client = served.admin_as(&made.secret);
    let tokens = v1::ListTokensRequest::default();
    assert_eq!(reason(as_client.list_tokens(tokens.clone()).await), "PERMISSION_DENIED");
    let show = v1::GetWorkspaceRequest { name: "workspaces/default".into() };
    assert_eq!(reason(as_client.get_workspace(show).await), "PERMISSION_DENIED");
    let listed = admin.list_tokens(tokens).await.expect("listed").into_inner().tokens;
    assert_eq!(listed, made.token.into_iter().collect::<Vec<_>>());
    let delete = v1::DeleteTokenRequest { name: "tokens/t".into(), ..Default::default() };
    admin.delete_token(delete.clone()).await.expect("deleted");
    assert_eq!(reason(client.acquire_lease(acquire).await), "UNAUTHENTICATED");
    assert_eq!(reason(admin.delete_token(delete).await), "UNKNOWN_TOKEN");
    let audit = served.audit("tokens/t").await;
    assert_eq!(audit.len(), 2);
    assert!(!format!("{audit:?}").contains(&made.secret));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cap_is_in_force_for_a_request_that_waits() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_held_against_its_bounds() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let scope = |workspace: &str| v1::Scope { workspace: workspace.into(), team: String::new() };
    let asked = |role: v1::Role, scopes: Vec<v1::Scope>, note: usize| v1::CreateTokenRequest {
        token: Some(v1::Token { role: role.into(), scopes, note: "n".repeat(note), ..Default::default() }),
        validate_only: true,
        ..served::client_token("t")
    };
    let lives = |seconds, nanos| v1::CreateTokenRequest {
        ttl: Some(prost_types::Duration { seconds, nanos }),
        ..asked(v1::Role::Admin, vec![], 0)
    };
    for (is_allowed, request) in [
        (true, asked(v1::Role::Client, vec![scope("*"); 64], 256)),
        (false, asked(v1::Role::Client, vec![scope("*"); 65], 0)),
        (false, asked(v1::Role::Observer, vec![], 0)),
        (false, asked(v1::Role::Admin, vec![scope("*")], 0)),
        (false, asked(v1::Role::Client, vec![scope("a b")], 0)),
        (false, asked(v1::Role::Admin, vec![], 257)),
        (true, lives(0, 1)),
        (false, lives(0, 0)),
        (false, lives(-1, 0)),
        (true, lives(3660 * 86_400, 0)),
        (false, lives(3660 * 86_400, 1)),
        (true, v1::CreateTokenRequest { token_id: "t".repeat(63), ..lives(1, 0) }),
        (false, v1::CreateTokenRequest { token_id: "t".repeat(64), ..lives(1, 0) }),
        (false, v1::CreateTokenRequest { token_id: ".t".into(), ..lives(1, 0) }),
    ] {
        let told = format!("{request:?}");
        let answer = admin.create_token(request).await;
        assert_eq!(answer.is_ok(), is_allowed, "{told}");
        if !is_allowed {
            assert_eq!(reason(answer), "MALFORMED", "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_nothing_once_it_has_expired() {
    let served = Served::start().await;
    let ttl = Some(prost_types::Duration { seconds: 0, nanos: 1 });
    let request = v1::CreateTokenRequest { ttl, ..served::client_token("t") };
    let secret = served.admin().create_token(request).await.expect("made").into_inner().secret;
    let acquire = v1::AcquireLeaseRequest::default();
    assert_eq!(reason(served.quota_as(&secret).acquire_lease(acquire).await), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_cut_at_its_times_from_the_first_to_before_the_last() {
    let (served, _) = with_workspace(100).await;
    served.admin().create_team(team_request("a", v1::Team::default())).await.expect("created");
    let all = served.audit("").await;
    let (team, workspace) = (all[0].time, all[1].time);
    let listed = async |start_time, end_time| {
        let request = v1::ListAuditEntriesRequest { start_time, end_time, ..Default::default() };
        let page = served.admin().list_audit_entries(request).await.expect("listed").into_inner();
        page.audit_entries.into_iter().map(|entry| entry.resource).collect::<Vec<_>>()
    };
    assert_eq!(listed(team, None).await, ["workspaces/w/teams/a"], "an entry of that very instant counts");
    assert_eq!(listed(workspace, team).await, ["workspaces/w"], "the end does not");
    assert_eq!(listed(team, workspace).await, [""; 0]);
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
async fn what_waits_for_something_that_is_deleted_is_refused_at_once() {
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
async fn a_changed_priority_and_a_raised_cap_count_for_what_waits_too() {
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
