//! Random demand: which team requests what, and when.

use apportion_core::ids::CallerId;
use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals as When, Demand};
use apportion_core::time::Span;

use super::fixed::{early, permits};
use super::instant::{instant, span};
use super::policy::leaves;
use super::shape::{Shape, Size};
use crate::random::Random;

pub(super) fn demand(random: &mut Random, shape: &Shape, size: Size, policy: &Policy) -> Vec<Demand> {
    let mut demand = Vec::new();
    for team in leaves(policy) {
        let kinds = if shape.mixed { random.from_to(0, 3) } else { 1 };
        for _ in 0..kinds {
            let tag = format!("d{}", demand.len());
            demand.push(demand_of(random, shape, size, team, tag));
        }
    }
    demand
}

fn demand_of(random: &mut Random, shape: &Shape, size: Size, team: &TeamPolicy, tag: String) -> Demand {
    let when = if shape.mixed { when(random, size) } else { When::Backlog { from: early() } };
    let priority = match shape.priorities {
        // What names none follows its team, and is served at no priority of its own.
        true if shape.events && random.chance(30) => None,
        true => Some(random.one_of(&Priority::ALL)),
        false => Some(Priority::Default),
    };
    let permits = permits(random.from_to(1, size.lease));
    let is_patient = !shape.deadlines || matches!(when, When::Backlog { .. });
    let max_wait = (!is_patient && random.chance(50)).then(|| span(random, 25_000));
    Demand {
        team: team.id.clone(),
        caller: CallerId::new("caller").expect("a valid name"),
        priority,
        permits,
        min_permits: permits,
        max_wait,
        tag: Some(tag),
        shape: when,
    }
}

fn when(random: &mut Random, size: Size) -> When {
    match random.from_to(0, 3) {
        0 => When::Backlog { from: instant(random, size) },
        1 => When::Once { count: random.from_to(1, 30), at: instant(random, size) },
        2 => {
            let some: Vec<u32> = (0..size.windows).filter(|_| random.chance(60)).collect();
            let windows = random.chance(50).then_some(some);
            When::PerWindow { count: random.from_to(1, 20), windows }
        }
        _ => When::Workers {
            count: random.from_to(1, 6),
            think: span(random, 4_000) + Span::from_ms(50),
            from: instant(random, size),
        },
    }
}
