//! Scenarios: a policy, timed demand and events, replayed on virtual time through the allocator.
//!
//! These are typed values; files are read elsewhere. Everything that happens is named by its instant on the virtual clock, on which
//! window 0 of the primary limit starts at [`Scenario::origin`]. Reading order: `demand`, `event`, `record`, `script`; `amend`,
//! `ledger`, `replay`, `requests`, `play`.

mod amend;
mod demand;
mod event;
mod ledger;
mod play;
mod record;
mod replay;
mod requests;
mod script;

pub use amend::amend;
pub use demand::{Arrivals, BACKLOG, Demand};
pub use event::{Change, Event};
pub use play::replay;
pub use record::{Record, Verdict};
pub use script::Scenario;
