//! How permits are shared: the tree of teams with its tags, the callers of a team, and what is held back for them.
//!
//! It knows nothing of requests as such, of leases or of the ledger: it counts permits and compares tags.

pub(crate) mod tag;
pub(crate) mod tree;
pub(crate) mod turns;

pub(crate) mod lane;

pub(crate) mod floor;
pub(crate) mod remaining;
pub(crate) mod waterfill;

mod demand;
pub(crate) mod holdback;

pub(crate) mod ahead;
#[cfg(test)]
mod tests;
