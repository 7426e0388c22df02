//! One random scenario: its size, its policy, its demand and its events, in this order out of one seed.

use std::collections::BTreeMap;

use apportion_core::scenario::Scenario;

use super::fixed::ORIGIN;
use super::shape::{Shape, Size};
use super::{demand, events, policy};
use crate::random::Random;

/// The scenario of a seed.
pub fn scenario(seed: u64, shape: Shape) -> Scenario {
    let mut random = Random::new(seed);
    let mut size = size(&mut random, &shape);
    let mut policy = policy::policy(&mut random, &shape, size);
    size.has_edges = shape.edges && random.chance(60);
    let start_within =
        if size.has_edges { policy::allow_edges(&mut random, &mut policy) } else { BTreeMap::new() };
    policy.check().expect("a random policy is a valid one");
    let demand = demand::demand(&mut random, &shape, size, &policy);
    let events = if shape.events { events::events(&mut random, &shape, size, &policy) } else { Vec::new() };
    Scenario { policy, origin: ORIGIN, start_within, windows: size.windows, demand, events }
}

fn size(random: &mut Random, shape: &Shape) -> Size {
    let most = if random.chance(80) { shape.budget.min(60) } else { shape.budget };
    let budget = random.from_to(5, most);
    let most = if shape.small { budget / 8 } else { budget };
    let lease = random.from_to(1, shape.lease.min(most).max(1));
    let windows = random.from_to(shape.windows.min(2), shape.windows);
    Size { budget, lease, windows, has_edges: false }
}
