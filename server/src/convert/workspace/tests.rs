//! Workspaces and their teams, there and back, and at fault.

use super::*;
use crate::convert::team::{team_policy, wire_team};
use apportion_core::ids::{LimitId, TeamId};

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn limit_of(id: &str) -> v1::Limit {
    v1::Limit { limit_id: id.into(), permits: 166, window: seconds(10), ..Default::default() }
}

fn workspace() -> v1::Workspace {
    v1::Workspace { limits: vec![limit_of("per-10s")], ..Default::default() }
}

fn refused(workspace: &v1::Workspace) -> String {
    policy(workspace, vec![]).expect_err("it is refused").to_string()
}

fn id() -> WorkspaceId {
    WorkspaceId::new("default").expect("a name")
}

#[test]
fn what_is_absent_has_the_default_of_the_contract() {
    let policy = policy(&workspace(), vec![]).expect("it is allowed");
    assert_eq!(policy.holdback.0.map(Share::billionths), [200_000_000, 0, 0]);
    assert_eq!(policy.floors.0.map(Share::billionths), [0, 100_000_000, 50_000_000]);
    assert_eq!((policy.edge.0, policy.external_use_memory), ([true, false, false], 3));
    assert!(policy.spare_edge);
    let LimitPolicy { phase, margins, .. } = &policy.limits[0];
    let ms = [*phase, margins.start, margins.guard, margins.life].map(|span| span.as_ns() / 1_000_000);
    assert_eq!(ms, [0, 100, 850, 250]);
    assert_eq!(policy.largest_lease, None);
    let team = team_policy(&id(), TeamId::new("a").expect("a name"), &v1::Team::default());
    assert_eq!(team, Ok(TeamPolicy::new(TeamId::new("a").expect("a name"))));
}

#[test]
fn a_share_that_is_set_to_nothing_is_not_the_default() {
    let none = Some(v1::PriorityShares::default());
    let edge = Some(v1::EdgePriorities::default());
    let spare_edge = Some(false);
    let workspace = v1::Workspace { holdback: none, floors: none, edge, spare_edge, ..workspace() };
    let policy = policy(&workspace, vec![]).expect("it is allowed");
    assert_eq!((policy.holdback, policy.floors), (PerPriority::default(), PerPriority::default()));
    assert_eq!((policy.edge.0, policy.spare_edge), ([false; 3], false));
}

#[test]
fn a_fault_names_its_path() {
    let odd = |limit| v1::Workspace { limits: vec![limit_of("a"), limit], ..workspace() };
    assert_eq!(refused(&v1::Workspace::default()), "limits: must have between 1 and 8 elements, got 0");
    assert_eq!(
        refused(&odd(v1::Limit { permits: 0, ..limit_of("b") })),
        "limits[1].permits: must be between 1 and 268435456, got 0"
    );
    assert_eq!(
        refused(&odd(v1::Limit { window: None, ..limit_of("b") })),
        "limits[1].window: must not be absent"
    );
    assert!(
        refused(&odd(v1::Limit { phase: seconds(10), ..limit_of("b") })).starts_with("limits[1].phase: ")
    );
    assert!(refused(&odd(v1::Limit { guard: seconds(4), ..limit_of("b") })).starts_with("limits[1].guard: "));
    let edge = Some(v1::EdgePriorities { priorities: vec![1, 1] });
    assert_eq!(
        refused(&v1::Workspace { edge, ..workspace() }),
        "edge.priorities[1]: CRITICAL is listed more than once"
    );
    let floors = Some(v1::PriorityShares { sheddable_billionths: 1_000_000_001, ..Default::default() });
    assert_eq!(
        refused(&v1::Workspace { floors, ..workspace() }),
        "floors.sheddable_billionths: must be between 0 and 1000000000, got 1000000001"
    );
}

#[test]
fn a_policy_comes_back_as_it_went_out() {
    let parent = TeamPolicy { weight: 7, ..TeamPolicy::new(TeamId::new("a").expect("a name")) };
    let part = TeamPolicy {
        parent: Some(parent.id.clone()),
        reservation: Permits::clamped(3),
        cap: Some(Permits::ZERO),
        protected: true,
        priority: Priority::Sheddable,
        highest_priority: Priority::Critical,
        ..TeamPolicy::new(TeamId::new("b").expect("a name"))
    };
    let mut before = policy(&workspace(), vec![parent, part]).expect("it is allowed");
    before.largest_lease = Some(Permits::clamped(9));
    before.limits[0].phase = Span::from_ms(1_500);
    let teams = before.teams.iter().map(|team| team_policy(&id(), team.id.clone(), &wire_team(&id(), team)));
    let teams = teams.collect::<Result<_, _>>().expect("they are allowed");
    let after = policy(&wire_workspace(&id(), &before), teams).expect("it is allowed");
    assert_eq!(after, before);
}

#[test]
fn a_parent_is_of_the_same_workspace() {
    let team = v1::Team { parent_team: "workspaces/other/teams/a".into(), ..Default::default() };
    let told = team_policy(&id(), TeamId::new("b").expect("a name"), &team).expect_err("it is refused");
    assert_eq!(told.to_string(), "parent_team: must be a team of default, the same workspace");
}

#[test]
fn a_rule_between_values_is_found_at_its_field() {
    let short = v1::Limit { window: seconds(1), ..limit_of("b") };
    let workspace = v1::Workspace { limits: vec![limit_of("a"), short], ..workspace() };
    let policy = policy(&workspace, vec![]).expect("each value is allowed");
    let error = policy.check().expect_err("three default guards are longer than a second");
    assert_eq!(error, PolicyError::WindowShorterThanGuards { id: LimitId::new("b").expect("a name") });
    assert_eq!(policy_field(&policy, &error), "limits[1].guard");
}

#[test]
fn a_value_of_a_team_is_at_fault_in_the_team_though_a_limit_has_its_name() {
    let workspace = v1::Workspace { limits: vec![limit_of("a")], ..workspace() };
    let team = TeamPolicy { weight: 0, ..TeamPolicy::new(TeamId::new("a").expect("a name")) };
    let policy = policy(&workspace, vec![team]).expect("the limit is allowed");
    let error = policy.check().expect_err("a weight is at least 1");
    assert_eq!(policy_field(&policy, &error), "weight");
    let cap = PolicyError::TeamRange { field: "cap_permits", id: "a".into(), value: 0, rule: "a test" };
    assert_eq!(policy_field(&policy, &cap), "cap_permits");
    let permits = PolicyError::Range { field: "permits", id: "a".into(), value: 0, rule: "a test" };
    assert_eq!(policy_field(&policy, &permits), "limits[0].permits");
}
