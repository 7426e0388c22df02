//! The store of a single node: one redb file in a data directory, synced to disk before a transaction counts.
//!
//! Reading order: `guard`, `layout`, `upgrade`, `format`, `files`, `database`, `copy`, `entries`, `restore`.

mod copy;
mod database;
mod entries;
mod files;
mod format;
mod guard;
mod layout;
pub(crate) mod restore;
#[cfg(test)]
mod tests;
mod upgrade;

pub use database::Embedded;
pub use files::{FILE, LOCK_FILE};
pub use format::FORMAT;
