//! `apportion workspace`, `team`, `token` and `audit`: what they print, and what is said where they are refused.

use crate::process::{Server, run};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The names of a list in JSON.
fn names(text: &str) -> Vec<String> {
    let rows = json(text);
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_workspace_is_created_shown_changed_listed_and_deleted() {
    let server = Server::start("", &[]);
    let make = ["workspace", "create", "w", "--limit", "id=l,permits=100,window=10s", "--json"];
    let made = json(&server.run(&make).well());
    assert_eq!((&made["name"], &made["limits.l.permits"]), (&"workspaces/w".into(), &100.into()));
    let told = server.run(&make).refused();
    assert_eq!(told, "apportion: ALREADY_EXISTS: workspaces/w already exists\n");
    let shown = server.run(&["workspace", "get", "w"]).well();
    assert!(shown.starts_with("workspaces/w\n") && shown.contains("limits.l.window"), "{shown}");
    let told = server.run(&["workspace", "update", "w"]).refused();
    assert!(told.contains("nothing to update"), "{told}");
    server.run(&["workspace", "update", "w", "--others-memory-windows", "9"]).well();
    let checked = ["workspace", "update", "w", "--others-memory-windows", "7", "--validate-only"];
    server.run(&checked).well();
    let shown = json(&server.run(&["workspace", "get", "w", "--json"]).well());
    assert_eq!((&shown["others_memory_windows"], &shown["limits.l.permits"]), (&9.into(), &100.into()));
    let stale = made["etag"].as_str().expect("an etag");
    let told = server.run(&["workspace", "delete", "w", "--etag", stale]).refused();
    assert!(told.contains("STALE_ETAG"), "{told}");
    let listed = server.run(&["workspace", "list"]).well();
    assert!(listed.starts_with("NAME") && listed.lines().count() == 3, "{listed}");
    server.run(&["workspace", "delete", "w"]).well();
    assert_eq!(names(&server.run(&["workspace", "list", "--json"]).well()), ["workspaces/default"]);
}

#[test]
fn a_team_is_created_shown_changed_listed_and_deleted() {
    let server = Server::start("", &[]);
    let made =
        server.run(&["team", "create", "default", "a", "--weight", "2", "--priority", "critical", "--json"]);
    let made = json(&made.well());
    assert_eq!((&made["weight"], &made["priority"]), (&2.into(), &"PRIORITY_CRITICAL".into()));
    server.run(&["team", "create", "default", "b", "--parent-team", "a", "--cap-permits", "10"]).well();
    let told = server.run(&["team", "delete", "default", "a"]).refused();
    assert!(told.contains("STILL_NEEDED"), "{told}");
    server.run(&["team", "update", "default", "b", "--clear", "cap_permits", "--weight", "5"]).well();
    let shown = json(&server.run(&["team", "get", "default", "b", "--json"]).well());
    assert_eq!((&shown["weight"], shown.get("cap_permits")), (&5.into(), None));
    assert_eq!(shown["parent_team"], "workspaces/default/teams/a");
    let told = server.run(&["team", "update", "default", "b", "--reservation-permits", "5000"]).refused();
    assert!(told.contains("POLICY_OVERCOMMITTED"), "{told}");
    let allowed = ["team", "update", "default", "b", "--reservation-permits", "200", "--allow-overcommit"];
    let said = server.run(&allowed);
    assert!(said.err.starts_with("apportion: warning: reservations"), "{said:?}");
    for id in ["b", "a"] {
        server.run(&["team", "delete", "default", id]).well();
    }
    let left = names(&server.run(&["team", "list", "default", "--json"]).well());
    assert_eq!(left, ["workspaces/default/teams/default"]);
    let told = server.run(&["team", "get", "default", "a"]).refused();
    assert_eq!(told, "apportion: UNKNOWN_TEAM: the workspace has no such team\n");
}

#[test]
fn a_domain_is_created_shown_changed_listed_and_deleted() {
    let server = Server::start("", &[]);
    let make =
        ["domain", "create", "mesh", "--workspace", "default", "--team-key", "service", "--max-wait", "0.2s"];
    let made = json(&server.run(&[&make[..], &["--json"]].concat()).well());
    assert_eq!((&made["workspace"], &made["team_key"]), (&"workspaces/default".into(), &"service".into()));
    assert_eq!((&made["max_wait"], &made["default_team"]), (&"0.200s".into(), &"default".into()));
    let told = server.run(&["domain", "create", "other", "--workspace", "absent"]).refused();
    assert!(told.contains("UNKNOWN_WORKSPACE"), "{told}");
    let told = server.run(&["domain", "update", "mesh"]).refused();
    assert!(told.contains("nothing to update"), "{told}");
    let said = server.run(&["domain", "update", "mesh", "--default-team", "absent", "--clear", "max_wait"]);
    assert!(said.err.contains("warning: the workspace has no team absent"), "{said:?}");
    let shown = json(&server.run(&["domain", "get", "mesh", "--json"]).well());
    assert_eq!((&shown["default_team"], shown.get("max_wait")), (&"absent".into(), None));
    let told = server.run(&["workspace", "delete", "default", "--force"]).refused();
    assert!(told.contains("STILL_NEEDED") && told.contains("a domain is bound to it"), "{told}");
    assert_eq!(names(&server.run(&["domain", "list", "--json"]).well()), ["domains/mesh"]);
    server.run(&["domain", "delete", "mesh"]).well();
    let told = server.run(&["domain", "get", "mesh"]).refused();
    assert!(told.contains("UNKNOWN_DOMAIN"), "{told}");
}

#[test]
fn the_first_token_says_that_tokens_are_required_from_now_on_and_shows_its_secret_once() {
    let server = Server::start("", &[]);
    let create = ["token", "create", "c", "--role", "client", "--scope", "default/sync"];
    let told = server.run(&create).refused();
    assert!(told.contains("NO_ADMINISTRATOR") && told.contains("create an admin token first"), "{told}");
    let said = server.run(&["token", "create", "root", "--role", "admin", "--json"]);
    assert!(said.err.contains("warning: from now on every call needs a token"), "{said:?}");
    let made = json(&said.well());
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let told = server.run(&["token", "list"]).refused();
    assert!(told.contains("UNAUTHENTICATED: missing credentials"), "{told}");
    let address = format!("http://{}", server.address);
    let as_root = |words: &[&str]| run(&address, words, &[("APPORTION_TOKEN", &secret)]);
    let said = as_root(&create);
    assert_eq!(said.err, "", "nothing new");
    assert_eq!(said.well().matches("apt_").count(), 1);
    let file = server.file("secret", &format!("{secret}\n"));
    let words = ["token", "list", "--json", "--token-file", file.to_str().expect("text")];
    let listed = run(&address, &words, &[("APPORTION_TOKEN", "wrong")]).well();
    assert_eq!(names(&listed), ["tokens/c", "tokens/root"]);
    assert!(!listed.contains("apt_"), "{listed}");
    let told = as_root(&["token", "delete", "root"]).refused();
    assert!(told.contains("NO_ADMINISTRATOR") && told.contains("last admin token"), "{told}");
    as_root(&["token", "delete", "c"]).well();
    let told = run(&address, &["token", "list"], &[("APPORTION_TOKEN", "wrong")]).refused();
    assert_eq!(told, "apportion: UNAUTHENTICATED: the token is not valid, or it has expired\n");
}

#[test]
fn the_audit_is_listed_by_resource_time_and_number() {
    let server = Server::start("", &[]);
    for id in ["a", "b"] {
        server.run(&["team", "create", "default", id]).well();
    }
    let resources = |words: &[&str]| {
        let listed = json(&server.run(&[&["audit", "--json"], words].concat()).well());
        let rows = listed.as_array().expect("a list").iter();
        rows.map(|row| row["resource"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let (a, b) = ("workspaces/default/teams/a", "workspaces/default/teams/b");
    assert_eq!(resources(&[]), [b, a, "workspaces/default"]);
    assert_eq!(resources(&["--most", "1"]), [b]);
    assert_eq!(resources(&["--resource", a]), [a]);
    assert!(resources(&["--end-time", "2001-01-01T00:00:00Z"]).is_empty());
    assert_eq!(resources(&["--start-time", "2001-01-01T00:00:00Z"]).len(), 3);
    let told = server.run(&["audit"]).well();
    assert!(told.starts_with("TIME") && told.contains("CreateTeam") && told.contains("server"), "{told}");
    assert_eq!(server.run(&["audit", "--start-time", "soon"]).code, Some(2));
}

#[test]
fn a_server_that_is_away_and_an_address_that_is_none_are_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("an address").local_addr().expect("one");
    let address = format!("http://{nobody}");
    let told = run(&address, &["workspace", "list"], &[]).refused();
    assert!(told.starts_with(&format!("apportion: cannot connect to {address}: ")), "{told}");
    assert!(told.contains("refused") && told.lines().count() == 1, "{told}");
    let told = run("no address", &["workspace", "list"], &[]).refused();
    assert!(told.starts_with("apportion: --server no address: "), "{told}");
    let told =
        run(&address, &["workspace", "list"], &[("APPORTION_TOKEN_FILE", "/nowhere/secret")]).refused();
    assert!(told.contains("/nowhere/secret"), "{told}");
}

#[test]
fn a_full_name_where_an_id_is_wanted_is_told_before_anybody_is_asked() {
    let name = "workspaces/default/teams/sync";
    let words: [&[&str]; 5] = [
        &["team", "get", "default", name],
        &["team", "update", name, "sync", "--weight", "2"],
        &["team", "create", "default", "part", "--parent-team", name],
        &["token", "delete", "tokens/sync"],
        &["top", "workspaces/sync"],
    ];
    for words in words {
        let told = run("http://127.0.0.1:1", words, &[]).refused();
        assert!(told.contains("expected an id, such as \"sync\", not a full name"), "{words:?}: {told}");
    }
}
