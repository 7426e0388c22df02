//! The ledger's thread: it alone writes shards to the store. What arrives while a write is under way goes into the next one, so
//! many workspaces share one fsync.
//!
//! Owns no rule of booking: those are the core's. It turns the core's effects into transactions, and their outcomes into inputs.

mod transaction;

mod round;
mod store;

mod opener;
mod thread;

pub(super) use opener::Opener;
pub(super) use store::LedgerStore;
pub(super) use thread::Ledger;
