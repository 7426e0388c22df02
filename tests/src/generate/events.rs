//! Random events: cancels, responses of the provider, changes of the budget and of teams, returns.

use apportion_core::ids::TeamId;
use apportion_core::policy::Policy;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Change, Event};

use super::fixed::{limit, permits};
use super::instant::instant;
use super::policy::{leaves, part_of_budget};
use super::shape::{Shape, Size};
use crate::random::Random;

pub(super) fn events(random: &mut Random, shape: &Shape, size: Size, policy: &Policy) -> Vec<Event> {
    let leaves: Vec<TeamId> = leaves(policy).map(|team| team.id.clone()).collect();
    (0..random.from_to(0, 6))
        .map(|_| Event { at: instant(random, size), what: change(random, shape, size, policy, &leaves) })
        .collect()
}

fn change(random: &mut Random, shape: &Shape, size: Size, policy: &Policy, leaves: &[TeamId]) -> Change {
    match random.from_to(0, 5) {
        0 => Change::Cancel { tag: format!("d{}", random.from_to(0, 5)) },
        // A response near an uncertain boundary may speak of either window.
        1 if !size.has_edges => Change::Upstream {
            limit: limit(),
            remaining: Some(permits(random.from_to(0, size.budget))),
            permits: None,
            throttled: false,
        },
        2 => Change::SetBudget { limit: limit(), permits: permits(random.from_to(5, shape.budget)) },
        3 => set_team(random, shape, size, policy),
        _ => {
            let leaf = random.index(leaves.len());
            Change::Return { team: leaves[leaf].clone(), permits: permits(random.from_to(1, 20)) }
        }
    }
}

fn set_team(random: &mut Random, shape: &Shape, size: Size, policy: &Policy) -> Change {
    let id = policy.teams[random.index(policy.teams.len())].id.clone();
    let weight = random.chance(60).then(|| random.from_to(1, shape.weight));
    let reservation = random.chance(30).then(|| part_of_budget(random, size));
    let is_capped = random.chance(70);
    let cap = random.chance(40).then(|| is_capped.then(|| part_of_budget(random, size)));
    let mut priority = || {
        let is_changed = shape.priorities && random.chance(40);
        is_changed.then(|| random.one_of(&Priority::ALL))
    };
    let (priority, highest_priority) = (priority(), priority());
    Change::SetTeam { id, weight, reservation, cap, priority, highest_priority }
}
