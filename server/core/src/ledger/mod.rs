//! The ledger: the durable record of how much of each window has been booked, and the rules of booking.
//!
//! Every permit comes out of a block that was booked by a compare-and-swap before it was granted; who owns a shard, and
//! what any clock says, never decides whether the sum holds. The ledger knows no store, no transport and no clock: inputs
//! go in with `now`, effects are polled. It does not know who is granted what; that is the allocator's.
//!
//! What is owned is a shard, by its claim; what is booked are the marks of a workspace, each under a key of its own. Every write of
//! marks compares the claim too, so all of a former owner's fail by themselves.
//!
//! Reading order: `bounds`, `horizon`, `version`, `shape`, `spent`, `statement`, `account`, `mark`, `block`; the claim, and the marks
//! with `raise`, `reshape`, `clean_up`; `store`, `pending`, `booking`, `effect`, `input`; `retry`, `outbox`, `flight`, `tenure`; `books/` of a
//! workspace, `shard/`, and the host.

mod account;
mod block;
mod booking;
mod books;
mod bounds;
mod claim;
mod clean_up;
mod effect;
mod flight;
mod horizon;
mod host;
mod input;
mod mark;
mod marks;
mod outbox;
mod pending;
mod raise;
mod reshape;
mod retry;
mod shape;
mod shard;
mod spent;
mod statement;
mod store;
mod tenure;
#[cfg(test)]
mod tests;
mod version;

pub use account::{Account, ENTRIES_MAX, REMEMBERED};
pub use block::{BookRefusal, WantedBlock};
pub use bounds::{LEARNED_MAX, MARKS_MAX, RETURNS_MAX, WANTED_MAX};
pub use claim::Claim;
pub use effect::{HostEffect, LostWhy, ShardReply};
pub use horizon::Horizon;
pub use host::Host;
pub use input::ShardInput;
pub use mark::{Mark, MarkKey, Raise};
pub use marks::{LearnedLimits, Marks};
pub use shape::Shape;
pub(crate) use shape::continued;
pub use spent::{AccountEntry, Spent};
pub use statement::{FormerGrant, Series, Statement};
pub use store::{Compare, Found, Put, ReadOutcome, ScanOutcome, Swap, SwapOutcome, Token};
pub use version::Version;
