//! Orders of changes: each step is checked against the rules of the server by itself, so the script says only what comes first.

use super::super::policy_file::parse;
use super::*;

/// The teams of workspace `w`, a line each: an id and its keys.
fn desired(permits: u32, teams: &[(&str, &str)]) -> DesiredPolicy {
    let mut text = format!(
        "[[workspace]]\nid = \"w\"\n[[workspace.limit]]\nid = \"l\"\npermits = {permits}\nwindow = \"10s\"\n\
         [workspace.holdback]\n[workspace.floors]\n"
    );
    for (id, keys) in teams {
        text += &format!("[[workspace.team]]\nid = \"{id}\"\n{keys}\n");
    }
    parse(&text).expect("it is a file").remove(0)
}

fn current(permits: u32, teams: &[(&str, &str)]) -> CurrentPolicy {
    let DesiredPolicy { value, teams, .. } = desired(permits, teams);
    let made = CurrentPolicy::default().after(&PlanStep::Workspace(value));
    teams.into_iter().fold(made, |current, team| current.after(&PlanStep::Team(team)))
}

const ALLOWED: Allowed = Allowed { prune: false, overcommit: false };

/// Each step as a sign and the last part of the name.
fn order(from: &CurrentPolicy, to: &DesiredPolicy, allowed: Allowed) -> Result<String, String> {
    let told = |step: &PlanStep| {
        let sign = if matches!(step, PlanStep::Delete(_) | PlanStep::DeleteDomain(_)) { "-" } else { "" };
        format!("{sign}{}", step.name().rsplit('/').next().unwrap_or_default())
    };
    Ok(plan(from, to, allowed)?.iter().map(told).collect::<Vec<_>>().join(" "))
}

fn reserving(permits: u32) -> String {
    format!("reservation_permits = {permits}")
}

#[test]
fn a_reservation_is_lowered_before_another_one_is_raised() {
    let (much, little) = (reserving(60), reserving(40));
    let from = current(100, &[("a", &little), ("b", &much)]);
    let to = desired(100, &[("a", &much), ("b", &little)]);
    assert_eq!(order(&from, &to, ALLOWED), Ok("b a".into()));
}

#[test]
fn a_larger_budget_comes_first_and_a_smaller_one_last() {
    let (much, little) = (reserving(90), reserving(40));
    let (small, large) = ((50, [("a", &*little)]), (100, [("a", &*much)]));
    let up = order(&current(small.0, &small.1), &desired(large.0, &large.1), ALLOWED);
    assert_eq!(up, Ok("w a".into()));
    let down = order(&current(large.0, &large.1), &desired(small.0, &small.1), ALLOWED);
    assert_eq!(down, Ok("a w".into()));
}

#[test]
fn what_goes_makes_room_for_what_comes() {
    let all = reserving(100);
    let from = current(100, &[("a", &all), ("part", "parent = \"a\"")]);
    let to = desired(100, &[("b", &all)]);
    let prune = Allowed { prune: true, ..ALLOWED };
    assert_eq!(order(&from, &to, prune), Ok("-part -a b".into()));
    let told = order(&from, &to, ALLOWED).expect_err("both stay");
    assert!(told.contains("need 200 permits of a budget of 100"), "{told}");
}

#[test]
fn a_part_leaves_before_it_becomes_the_whole() {
    let from = current(100, &[("a", ""), ("b", "parent = \"a\"")]);
    let to = desired(100, &[("a", "parent = \"b\""), ("b", "")]);
    assert_eq!(order(&from, &to, ALLOWED), Ok("b a".into()));
}

#[test]
fn where_no_order_holds_it_is_said() {
    let from = current(100, &[("a", &reserving(70)), ("b", &reserving(70))]);
    let to = desired(100, &[("a", &reserving(50)), ("b", &reserving(50))]);
    let told = order(&from, &to, ALLOWED).expect_err("one step alone is not enough");
    assert!(told.contains("no order of changes is valid") && told.contains("need 120 permits"), "{told}");
    assert_eq!(order(&from, &to, Allowed { overcommit: true, ..ALLOWED }), Ok("a b".into()));
}

#[test]
fn what_cannot_hold_is_refused_before_anything() {
    let from = current(100, &[]);
    let cycle = desired(100, &[("a", "parent = \"b\""), ("b", "parent = \"a\"")]);
    let told = order(&from, &cycle, ALLOWED).expect_err("a cycle");
    assert!(told.starts_with("workspaces/w: ") && !told.contains("no order"), "{told}");
    let lost = order(&from, &desired(100, &[("a", "parent = \"none\"")]), ALLOWED);
    assert!(lost.expect_err("no parent").contains("none"));
}

#[test]
fn a_new_workspace_is_made_first_and_the_same_again_is_nothing() {
    let teams = [("part", "parent = \"whole\""), ("whole", ""), ("default", "weight = 3")];
    let to = desired(100, &teams);
    assert_eq!(order(&CurrentPolicy::default(), &to, ALLOWED), Ok("w whole default part".into()));
    assert_eq!(order(&current(100, &teams), &to, ALLOWED), Ok(String::new()));
}

#[test]
fn domains_come_last_and_only_those_of_the_workspace_are_pruned() {
    let from = current(100, &[]);
    let domain = |id: &str, workspace: &str| v1::Domain {
        name: format!("domains/{id}"),
        workspace: format!("workspaces/{workspace}"),
        ..v1::Domain::default()
    };
    let from = [domain("old", "w"), domain("foreign", "v")]
        .into_iter()
        .fold(from, |current, domain| current.after(&PlanStep::Domain(domain)));
    let mut to = desired(200, &[("a", "")]);
    to.domains = vec![domain("new", "w")];
    assert_eq!(order(&from, &to, ALLOWED), Ok("w a new".into()));
    let prune = Allowed { prune: true, overcommit: false };
    assert_eq!(order(&from, &to, prune), Ok("w a new -old".into()));
}
