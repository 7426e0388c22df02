//! The windows of a workspace's limits: what is left in each, what is held back, and the floors of priorities.
//!
//! A grant is charged to the windows of all limits. One limit, the one with the shortest window, is the *primary* one: its windows
//! pace decisions, and caps, floors and reservations apply to them. Knows neither requests nor leases.

mod blocks;
mod change;
mod charge;
mod observe;
mod roll;
pub(crate) mod side;
mod state;

pub(crate) use self::blocks::BlockDemand;
pub(crate) use self::change::LimitChange;
pub(crate) use self::charge::{Charged, TeamGrant};
pub(crate) use self::observe::SentUnder;
pub(crate) use self::roll::{Release, Start};
pub(crate) use self::state::Windows;
