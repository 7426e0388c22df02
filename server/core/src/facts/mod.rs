//! What is known about one limit beyond policy: its budget, where its windows lie, its external use, when to send nothing.
//!
//! A function of (state, now, observation) that decides nothing about grants. An observation belongs to the window of its reset,
//! else of its lease, never to that of its arrival; one that has neither can only set a cooldown. One response can lower the
//! current window; later windows change only by what different leases agree on. There are two exceptions. One contradiction moves
//! the boundaries, to an interval as wide as the reset was written down. A cooldown asked for by the provider counts at once where
//! the lease is known.

mod absurd;
mod agreed;
mod arc;
mod budget;
mod expectation;
mod external_use;
mod finding;
mod known;
mod learned;
mod observe;
mod phase;
mod place;
#[cfg(test)]
mod tests;

pub use absurd::{Absurd, COOLDOWN_MAX};
pub use external_use::EXTERNAL_USE_MEMORY_MAX;
pub use finding::{Finding, Seen, Sent};
pub use known::Facts;
pub use learned::{Basis, Learned};
pub use observe::LATE_MAX;
pub use phase::{PhaseInterval, READINGS_MAX, WITNESSES_OF_A_PHASE};
