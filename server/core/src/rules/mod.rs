//! The rules of granting: how much each team may be granted, which head is next, and which requests can still be met.
//!
//! They read the policy, the contest and the windows, and change nothing.

pub(crate) mod bounds;
mod deadline;
mod edge;
mod most;
pub(crate) mod pick;
mod reserved;
mod room;
mod view;

pub(crate) use self::room::Place;
pub(crate) use self::view::Rules;
