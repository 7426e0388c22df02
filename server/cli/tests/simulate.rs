//! The binary on bad input: exit code 2, one message that names the field, and never a panic.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A scenario that is in order.
fn good() -> Value {
    json!({
        "id": "good",
        "workspace": {
            "window_s": 10, "budget": 166, "guard_s": 0.5, "lease_max": 166,
            "holdback": {"CRITICAL": 0.2}, "floors": {},
            "teams": [{"id": "A"}, {"id": "X"}, {"id": "x", "parent": "X", "weight": 2}]
        },
        "windows": 2,
        "demand": [
            {"team": "A", "priority": "DEFAULT", "permits": 1, "backlog_from_s": -0.001, "tag": "t"},
            {"team": "x", "permits": 1, "count": 3, "at_s": 1}
        ],
        "events": [{"at_s": 1, "set_team": {"id": "A", "weight": 3}}],
        "expect": [{"kind": "granted_max", "team": "A", "window": 0, "max": 166}]
    })
}

/// Changes to a good scenario: the place, the new value, and what the message must name.
fn bad() -> Vec<(&'static str, Value, &'static str)> {
    let demand = |more: Value| {
        let mut demand = json!({"team": "A", "permits": 1});
        demand.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        demand
    };
    vec![
        ("/surprise", json!(1), "surprise"),
        ("/id", json!(null), "id"),
        ("/windows", json!(0), "windows: must be from 1"),
        ("/windows", json!(10_001), "windows: must be from 1"),
        ("/windows", json!(-1), "windows: -1 is no whole number"),
        ("/windows", json!(1.5), "windows: 1.5 is no whole number"),
        ("/windows", json!("2"), "windows"),
        ("/workspace/surprise", json!(1), "workspace.surprise"),
        ("/workspace/window_s", json!(0), "workspace.window_s"),
        ("/workspace/window_s", json!(-10), "workspace.window_s: must not be negative"),
        ("/workspace/window_s", json!(1e300), "workspace.window_s"),
        ("/workspace/window_s", json!(400 * 86_400), "workspace.window_s"),
        ("/workspace/window_s", json!(null), "workspace.window_s: is missing"),
        ("/workspace/budget", json!(0), "workspace.budget"),
        ("/workspace/budget", json!(4_000_000_000_u64), "workspace.budget"),
        ("/workspace/guard_s", json!(10), "workspace.guard_s: a guard is shorter"),
        ("/workspace/guard_s", json!(4), "workspace.guard_s: window"),
        ("/workspace/lease_max", json!(0), "workspace.lease_max"),
        ("/workspace/limits", json!([]), "workspace.window_s: stands beside"),
        ("/workspace/holdback", json!({"CRITICAL": 1.1}), "workspace.holdback.CRITICAL"),
        ("/workspace/holdback", json!({"URGENT": 0.1}), "workspace.holdback"),
        ("/workspace/floors", json!({"SHEDDABLE": -0.1}), "workspace.floors.SHEDDABLE"),
        ("/workspace/floors", json!({"SHEDDABLE": 0.6, "DEFAULT": 0.6}), "workspace.floors"),
        ("/workspace/edge", json!(["SOON"]), "workspace.edge[0]"),
        ("/workspace/teams/2/weight", json!(0), "workspace.teams[2].weight"),
        ("/workspace/teams/2/weight", json!(10_001), "workspace.teams[2].weight"),
        ("/workspace/teams/2/id", json!("A"), "workspace.teams[2].id"),
        ("/workspace/teams/2/id", json!("two words"), "workspace.teams[2].id"),
        ("/workspace/teams/2/parent", json!("Z"), "workspace.teams[2].parent"),
        ("/workspace/teams/2/parent", json!("x"), "workspace.teams[2].parent"),
        ("/workspace/teams/2/wieght", json!(2), "wieght"),
        ("/workspace/teams/2/cap", json!(-1), "workspace.teams[2].cap"),
        ("/workspace/teams/2/priority", json!("HIGH"), "workspace.teams[2].priority"),
        ("/demand/0/team", json!("Z"), "demand[0].team: there is no team Z"),
        ("/demand/0/team", json!("X"), "demand[0].team: the team X has child teams"),
        ("/demand/0/permits", json!(0), "demand[0].permits"),
        ("/demand/0/min_permits", json!(2), "demand[0].min_permits"),
        ("/demand/0/callers", json!(0), "demand[0].callers"),
        ("/demand/0/max_wait_s", json!(-1), "demand[0].max_wait_s"),
        ("/demand/0/backlog_from_s", json!(20), "demand[0].backlog_from_s: is outside the run"),
        ("/demand/0/backlog_from_s", json!(null), "demand[0]: needs exactly one of"),
        ("/demand/0/workers", json!(3), "demand[0].workers: needs exactly one of"),
        ("/demand/1/count", json!(0), "demand[1].count"),
        ("/demand/1/count", json!(4_000_000_000_u64), "demand[1]: the run is too large"),
        ("/demand/1/at_s", json!(null), "demand[1].at_s: is missing"),
        ("/demand/1/think_s", json!(1), "demand[1].think_s: does not go with"),
        ("/demand/1", demand(json!({"per_window": 1, "windows": [2]})), "demand[1].windows[0]"),
        ("/demand/1", demand(json!({"workers": 1, "from_s": 0})), "demand[1].think_s: is missing"),
        ("/events/0/at_s", json!(20), "events[0].at_s: is outside the run"),
        ("/events/0/at_s", json!(-86_401), "events[0].at_s: is outside the run"),
        ("/events/0/cancel", json!("t"), "events[0].cancel"),
        ("/events/0", json!({"at_s": 1}), "events[0]: needs one of"),
        ("/events/0", json!({"at_s": 1, "cancel": "nobody"}), "events[0].cancel: no demand has the tag"),
        ("/events/0", json!({"at_s": 1, "set_budget": 0}), "events[0].set_budget"),
        (
            "/events/0",
            json!({"at_s": 1, "set_budget": {"permits": 1, "limit": "no"}}),
            "events[0].set_budget",
        ),
        ("/events/0", json!({"at_s": 1, "upstream": {}}), "events[0].upstream"),
        ("/events/0", json!({"at_s": 1, "add_team": {"id": "A"}}), "events[0].add_team.id"),
        ("/events/0", json!({"at_s": 1, "remove_team": "X"}), "events[0].remove_team"),
        ("/events/0", json!({"at_s": 1, "return": {"team": "A", "permits": 0}}), "events[0].return.permits"),
        ("/events/0/set_team/id", json!("Z"), "events[0].set_team.id"),
        ("/events/0/set_team/weight", json!(0), "events[0].set_team.weight"),
        ("/expect/0/team", json!("Z"), "expect[0].team"),
        ("/expect/0/window", json!(2), "expect[0].window"),
        ("/expect/0/window", json!(-1), "expect[0].window"),
        ("/expect/0/kind", json!("grunted"), "expect[0].kind"),
        ("/expect/0/abs", json!(1), "expect[0].abs"),
        ("/expect/0", json!({"kind": "decision", "tag": "no", "answer": "grant"}), "expect[0].tag"),
        ("/expect/0", json!({"kind": "decision", "tag": "t", "answer": "grant"}), "expect[0].at_s"),
        ("/expect/0", json!({"kind": "granted", "team": "A", "value": 1}), "expect[0].window"),
        ("/expect/0", json!([]), "expect[0]"),
    ]
}

/// Puts a value where the pointer says; the last step may be new.
fn put(scenario: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match scenario.pointer_mut(parent).unwrap() {
        Value::Object(keys) => drop(keys.insert(key.into(), value)),
        list => list[key.parse::<usize>().unwrap()] = value,
    }
}

fn file(name: &str, text: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn simulate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apportion")).arg("simulate").args(args).output().unwrap()
}

/// Holds that a run was refused with one message that says `named`, and that nothing came out of it.
fn assert_refused(args: &[&str], named: &str) {
    let output = simulate(args);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{named}: {message}");
    assert!(message.contains(named), "{named:?} is not in: {message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty(), "{named}: a refused run printed something");
}

#[test]
fn a_bad_field_is_named_with_its_rule() {
    for (place, (pointer, value, named)) in bad().into_iter().enumerate() {
        let mut scenario = good();
        put(&mut scenario, pointer, value);
        let path = file(&format!("bad-{place}.json"), scenario.to_string().as_bytes());
        assert_refused(&[path.to_str().unwrap()], named);
    }
}

#[test]
fn text_that_is_no_scenario_is_refused() {
    let deep = "[".repeat(100_000);
    let decimals = good().to_string().replace("0.5", "0.5000000001");
    let huge = good().to_string().replace("0.5", "1e999999999999999999999");
    let texts: [(&str, &[u8], &str); 8] = [
        ("empty.json", b"", "EOF"),
        ("cut.json", b"{\"id\": \"x\"", "line 1"),
        ("binary.json", b"\xff\xfe\x00", "line 1"),
        ("twice.json", b"{} {}", "missing field `id`"),
        ("deep.json", deep.as_bytes(), "line 1"),
        ("nan.json", b"{\"windows\": NaN}", "windows"),
        ("decimals.json", decimals.as_bytes(), "workspace.guard_s: 0.5000000001 has more than 9 decimals"),
        ("huge.json", huge.as_bytes(), "workspace.guard_s"),
    ];
    for (name, text, named) in texts {
        assert_refused(&[file(name, text).to_str().unwrap()], named);
    }
    assert_refused(&["no-such-file.json"], "no-such-file.json");
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let path = file("good-usage.json", good().to_string().as_bytes());
    let path = path.to_str().unwrap();
    assert_refused(&[path, path, "--events", "-"], "--events takes exactly one scenario");
    assert_refused(&[path, path, "--plot", "out.svg"], "--plot takes exactly one scenario");
    assert_refused(&[path, "--events", "-", "--json"], "--json and --events -");
}

#[test]
fn all_files_are_read_before_anything_is_played() {
    let good_path = file("good-first.json", good().to_string().as_bytes());
    let bad_path = file("bad-second.json", b"{}");
    assert_refused(&[good_path.to_str().unwrap(), bad_path.to_str().unwrap()], "bad-second.json");
}

#[test]
fn a_check_that_fails_says_what_was_seen_and_exits_1() {
    let mut scenario = good();
    put(&mut scenario, "/expect/0", json!({"kind": "granted_by", "team": "A", "at_s": 20, "min": 1000}));
    let path = file("fails.json", scenario.to_string().as_bytes());
    let output = simulate(&[path.to_str().unwrap(), "--check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("good: {") && text.contains("saw "), "{text}");
    assert!(text.ends_with("0 passed, 1 failed\n"), "{text}");
}

#[test]
fn a_scenario_in_order_is_summed_up_and_drawn() {
    let path = file("good.json", good().to_string().as_bytes());
    let svg = file("good.svg", b"");
    let path = path.to_str().unwrap();
    let output = simulate(&[path, "--check", "--json", "--plot", svg.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary[0]["windows"].as_array().unwrap().len(), 2);
    assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg"));
}
