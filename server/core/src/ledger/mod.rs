//! The ledger: the durable record of how much of each window has been booked, and the rules of booking.
//!
//! Every permit comes out of a block that was booked by a compare-and-swap before it was granted; who owns a shard, and
//! what any clock says, never decides whether the sum holds. The ledger knows no store, no transport and no clock: inputs
//! go in with `now`, effects are polled. It does not know who is granted what; that is the allocator's.
//!
//! Reading order: `bounds`, `horizon`, `version`, `shape`, `spent`, `statement`, `account`, `mark`, `block`; the record with
//! `raise`, `reshape`, `clean_up`; `store`, `pending`, `booking`, `flight`; `effect`, `input`; the shard with `writing`, `inputs`,
//! `answers`.

mod account;
mod answers;
mod block;
mod booking;
mod bounds;
mod clean_up;
mod effect;
mod flight;
mod horizon;
mod input;
mod inputs;
mod mark;
mod pending;
mod raise;
mod record;
mod reshape;
mod shape;
mod shard;
mod spent;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod version;
mod writing;

pub use account::{Account, ENTRIES_MAX, REMEMBERED};
pub use block::{BookRefusal, WantedBlock};
pub use bounds::{ACCOUNTS_MAX, LEARNED_MAX, MARKS_MAX, WANTED_MAX};
pub use effect::{LostWhy, ShardEffect, ShardReply};
pub use horizon::Horizon;
pub use input::ShardInput;
pub use mark::{Mark, MarkKey, Raise};
pub use record::ShardRecord;
pub use shape::Shape;
pub(crate) use shape::continued;
pub use shard::Shard;
pub use spent::{AccountEntry, Spent};
pub use statement::{FormerGrant, Series, Statement};
pub use store::{CasOutcome, Guard, ReadOutcome, Token};
pub use version::Version;
