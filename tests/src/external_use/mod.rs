//! A provider whose budget another consumer uses, too, and workers that share the rest: one allocator on virtual time.
//!
//! Instants are microseconds since the Unix epoch.

mod provider;
mod traffic;

mod workers;

mod policy;
mod simulation;

pub use provider::{LIMIT, Usage};
pub use simulation::Simulation;
pub use traffic::Traffic;
