//! The loads on the core: a workspace under steady demand, and its policies.

mod numbers;
mod policies;
mod world;

pub(crate) use policies::{permits, policy, team};
pub(crate) use world::World;
