//! `apportion apply`: what differs is told and made, in an order in which each step holds.

use crate::process::{Said, Server};

const LIMIT: &str = "[[workspace.limit]]\nid = \"l\"\npermits = 100\nwindow = \"10s\"\n[workspace.holdback]\n[workspace.floors]\n";

/// A file with workspace `w` of 100 permits and these teams, a line each: an id and its keys.
fn file(teams: &[(&str, &str)]) -> String {
    let team = |(id, keys): &(&str, &str)| format!("[[workspace.team]]\nid = \"{id}\"\n{keys}\n");
    format!("[[workspace]]\nid = \"w\"\n{LIMIT}{}", teams.iter().map(team).collect::<String>())
}

fn apply(server: &Server, text: &str, flags: &[&str]) -> Said {
    let path = server.file("policy.toml", text);
    let path = path.to_str().expect("text");
    server.run(&[&["apply", "--file", path], flags].concat())
}

/// The lines of what is made, changed and deleted, without the fields.
fn steps(told: &str) -> Vec<&str> {
    told.lines().filter(|line| !line.starts_with(' ')).collect()
}

#[test]
fn what_a_file_says_is_made_changed_and_the_second_time_nothing_differs() {
    let server = Server::start("", &[]);
    let first = file(&[("part", "parent = \"whole\""), ("whole", "weight = 2")]);
    let told = apply(&server, &first, &[]).well();
    let made = ["+ workspaces/w", "+ workspaces/w/teams/whole", "+ workspaces/w/teams/part"];
    assert_eq!(steps(&told), made);
    assert!(told.contains("    weight: - -> 2"), "{told}");
    assert_eq!(apply(&server, &first, &[]).well(), "no changes\n");
    let second = file(&[("whole", "weight = 3\ncap_permits = 50"), ("part", "parent = \"whole\"")]);
    let told = apply(&server, &second, &[]).well();
    let expected = "~ workspaces/w/teams/whole\n    cap_permits: - -> 50\n    weight: 2 -> 3\n";
    assert_eq!(told, expected);
    assert_eq!(apply(&server, &second, &[]).well(), "no changes\n");
}

#[test]
fn domains_are_made_with_their_workspace_and_go_only_when_told_to() {
    let server = Server::start("", &[]);
    let domain = "[[workspace.domain]]\nid = \"mesh\"\nmax_wait = \"0.5s\"\n";
    let with = format!("{}{domain}", file(&[("a", "")]));
    let told = apply(&server, &with, &[]).well();
    assert_eq!(steps(&told), ["+ workspaces/w", "+ workspaces/w/teams/a", "+ domains/mesh"]);
    assert_eq!(apply(&server, &with, &[]).well(), "no changes\n");
    let told = apply(&server, &with.replace("0.5s", "1s"), &[]).well();
    assert!(steps(&told) == ["~ domains/mesh"] && told.contains("max_wait: \"0.500s\" -> \"1s\""), "{told}");
    let without = file(&[("a", "")]);
    assert_eq!(apply(&server, &without, &[]).well(), "no changes\n");
    assert_eq!(steps(&apply(&server, &without, &["--prune"]).well()), ["- domains/mesh"]);
}

#[test]
fn a_dry_run_changes_nothing_and_its_exit_code_says_whether_something_differs() {
    let server = Server::start("", &[]);
    let text = file(&[("a", "")]);
    let said = apply(&server, &text, &["--dry-run"]);
    assert_eq!((said.code, steps(&said.out)), (Some(1), vec!["+ workspaces/w", "+ workspaces/w/teams/a"]));
    assert!(server.run(&["workspace", "get", "w"]).refused().contains("UNKNOWN_WORKSPACE"));
    apply(&server, &text, &[]).well();
    assert_eq!(apply(&server, &text, &["--dry-run"]).well(), "no changes\n");
}

#[test]
fn teams_that_are_not_in_the_file_go_only_when_told_to() {
    let server = Server::start("", &[]);
    let parts = [("keep", ""), ("old", ""), ("older", "parent = \"old\"")];
    apply(&server, &file(&parts), &[]).well();
    let text = file(&[("keep", "")]);
    assert_eq!(apply(&server, &text, &[]).well(), "no changes\n");
    let gone = ["- workspaces/w/teams/older", "- workspaces/w/teams/old"];
    let said = apply(&server, &text, &["--prune", "--dry-run"]);
    assert_eq!((said.code, steps(&said.out)), (Some(1), gone.to_vec()));
    assert_eq!(steps(&apply(&server, &text, &["--prune"]).well()), gone);
    let left = server.run(&["team", "list", "w", "--json"]).well();
    assert!(
        left.contains("teams/keep") && left.contains("teams/default") && !left.contains("teams/old"),
        "{left}"
    );
}

#[test]
fn reservations_that_change_places_are_never_promised_twice() {
    let server = Server::start("", &[]);
    let before = file(&[("a", "reservation_permits = 40"), ("b", "reservation_permits = 60")]);
    apply(&server, &before, &[]).well();
    let after = file(&[("a", "reservation_permits = 60"), ("b", "reservation_permits = 40")]);
    let told = apply(&server, &after, &[]).well();
    assert_eq!(
        steps(&told),
        ["~ workspaces/w/teams/b", "~ workspaces/w/teams/a"],
        "the one that lowers first"
    );
    assert_eq!(apply(&server, &after, &[]).well(), "no changes\n");
}

#[test]
fn where_no_order_holds_nothing_is_changed_and_it_is_said() {
    let server = Server::start("", &[]);
    let both = |permits: u32| {
        let keys = format!("reservation_permits = {permits}");
        file(&[("a", &keys), ("b", &keys)])
    };
    let said = apply(&server, &both(70), &["--allow-overcommit"]);
    assert!(said.err.contains("warning: reservations, floors and holdback together need 140"), "{said:?}");
    said.well();
    let said = apply(&server, &both(50), &[]);
    assert_eq!(said.out, "", "nothing was begun");
    assert!(said.refused().contains("no order of changes is valid"));
    let audit = server.run(&["audit", "--json"]).well();
    assert!(!audit.contains("UpdateTeam"), "{audit}");
    apply(&server, &both(50), &["--allow-overcommit"]).well();
    assert_eq!(apply(&server, &both(50), &[]).well(), "no changes\n");
}

#[test]
fn a_file_that_does_not_hold_is_refused_before_anything_is_changed() {
    let server = Server::start("", &[]);
    let twice = format!("{0}{0}", file(&[]));
    for (text, expected) in [
        (file(&[("a", "wieght = 2")]), "unknown field `wieght`"),
        (file(&[("a", "weight = -1")]), "invalid value: integer `-1`"),
        (file(&[("a", "weight = 0")]), "workspace w: team a: weight"),
        (file(&[("a", ""), ("a", "")]), "workspace w: team a: defined twice"),
        (twice, "workspace w: defined twice"),
        (file(&[("a", "parent = \"b\""), ("b", "parent = \"a\"")]), "workspaces/w: "),
        (file(&[("a", "parent = \"none\"")]), "none"),
        (file(&[("a", "reservation_permits = 101")]), "need 101 permits of a budget of 100"),
        ("[[workspace]]\nid = \"x\"\n".into(), "workspace x"),
    ] {
        let said = apply(&server, &text, &[]);
        assert_eq!(said.out, "", "{text}");
        let told = said.refused();
        assert!(told.starts_with("apportion: ") && told.contains(expected), "{expected}: {told}");
    }
    let told = server.run(&["apply", "--file", "/nowhere/policy.toml"]).refused();
    assert!(told.contains("/nowhere/policy.toml"), "{told}");
    let audit = server.run(&["audit", "--json"]).well();
    assert!(!audit.contains("workspaces/w"), "{audit}");
}
