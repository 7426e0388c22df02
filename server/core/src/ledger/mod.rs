//! The ledger: the durable record of how much of each window has been booked, and the rules of booking.
//!
//! Every permit comes out of a block that was booked by a compare-and-swap before it was granted; who owns a shard, and
//! what any clock says, never decides whether the sum holds. The ledger knows no store, no transport and no clock: inputs
//! go in with `now`, effects are pulled out. It does not know who is granted what; that is the allocator's.

mod account;
mod answer;
mod booking;
mod effect;
mod flight;
mod record;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use account::continued;
pub use account::{Account, ENTRIES_MAX, Entry, Granted, REMEMBERED, Series, Shape, Spent, Statement};
pub use effect::{CasOutcome, Effect, Guard, LostWhy, ReadOutcome, Refusal, Token, Version, WantedBlock};
pub use record::{Mark, MarkKey, Raise, ShardRecord};
pub use shard::{Horizon, Shard};

/// Most marks in one shard's record. A window beyond it is refused until clean-up makes room.
pub const MARKS_MAX: usize = 65_536;
/// Most workspaces of which one shard remembers what was granted. Beyond it those that were idle for the longest are forgotten.
pub const ACCOUNTS_MAX: usize = 8_192;
/// Most limits of which one shard remembers what was learnt.
pub const LEARNT_MAX: usize = 16_384;
/// Most blocks that may be wanted at once in one shard.
pub const WANTED_MAX: usize = 16_384;
