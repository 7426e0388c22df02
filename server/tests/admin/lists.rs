//! Lists over gRPC: pages, and the audit by time.

use crate::policy::{team_request, with_workspace};
use crate::served::reason;
use apportion_proto::v1;

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
