//! Random policies: nested teams with weights, reservations, caps and priorities, under one limit.

use std::collections::BTreeMap;

use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::time::Span;

use super::fixed::{GUARD, WINDOW, limit, permits};
use super::shape::{Shape, Size};
use crate::random::Random;

pub(super) fn policy(random: &mut Random, shape: &Shape, size: Size) -> Policy {
    let margins = Margins { start: Span::ZERO, guard: GUARD, life: GUARD };
    let budget = permits(size.budget);
    let limit = LimitPolicy { id: limit(), permits: budget, window: WINDOW, phase: Span::ZERO, margins };
    let mut policy = Policy::plain(limit, teams(random, shape, size));
    policy.largest_lease = Some(permits(size.lease));
    if shape.priorities {
        let most = random.one_of(&[0, 30]);
        policy.holdback = shares(random, most);
        policy.floors = shares(random, 25);
    }
    policy
}

/// Allows edge permits, mostly for all priorities; returns how precisely the starts of windows are known.
pub(super) fn allow_edges(random: &mut Random, policy: &mut Policy) -> BTreeMap<LimitId, Span> {
    policy.spare_edge = random.chance(80);
    for c in Priority::ALL {
        policy.edge[c] = random.chance(15);
    }
    let margins = &mut policy.limits[0].margins;
    margins.start = Span::from_ms(random.one_of(&[0, 0, 100, 500]));
    margins.life = margins.guard.less(margins.start);
    let within = random.one_of(&[None, None, Some(300), Some(1_000)]);
    within.map(|ms| (limit(), Span::from_ms(ms))).into_iter().collect()
}

fn shares(random: &mut Random, most: u32) -> PerPriority<Share> {
    PerPriority([(); 3].map(|()| {
        let percent = random.from_to(0, most);
        if random.chance(50) { Share::from_percent(percent) } else { Share::ZERO }
    }))
}

fn teams(random: &mut Random, shape: &Shape, size: Size) -> Vec<TeamPolicy> {
    let (count, depth_max) = (random.from_to(1, shape.teams), random.from_to(1, shape.depth));
    let mut teams: Vec<TeamPolicy> = Vec::new();
    let mut depths = Vec::new();
    for k in 0..count {
        let mut team = team(random, shape, size, k);
        let mut depth = 1;
        if k > 0 && random.chance(60) {
            let parent = random.from_to(0, k - 1) as usize;
            if depths[parent] < depth_max {
                team.parent = Some(teams[parent].id.clone());
                depth = depths[parent] + 1;
            }
        }
        teams.push(team);
        depths.push(depth);
    }
    teams
}

fn team(random: &mut Random, shape: &Shape, size: Size, k: u32) -> TeamPolicy {
    let mut team = TeamPolicy::new(TeamId::new(&format!("t{k}")).expect("a valid name"));
    team.highest_priority = Priority::Critical;
    if shape.priorities && random.chance(30) {
        team.priority = random.one_of(&Priority::ALL);
    }
    if shape.events && shape.priorities && random.chance(20) {
        team.highest_priority = random.one_of(&Priority::ALL);
    }
    team.weight = random.from_to(1, shape.weight);
    if shape.reservations && random.chance(35) {
        team.reservation = part_of_budget(random, size);
        team.protected = random.chance(50);
    }
    if shape.caps && random.chance(30) {
        team.cap = Some(part_of_budget(random, size));
    }
    team
}

/// From one permit to half of the budget.
pub(super) fn part_of_budget(random: &mut Random, size: Size) -> Permits {
    permits(random.from_to(1, (size.budget / 2).max(1)))
}

/// The teams without parts.
pub fn leaves(policy: &Policy) -> impl Iterator<Item = &TeamPolicy> {
    let teams = &policy.teams;
    teams.iter().filter(|team| !teams.iter().any(|other| other.parent.as_ref() == Some(&team.id)))
}
