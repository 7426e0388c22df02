//! Durability: keys with values and versions, changed only by transactions that say what they expect.
//!
//! Owns the one trait that every database implements, and what is kept in it. [`open`] alone chooses the database: the users of a
//! [`Store`] do not know which one it is. The commands that work on a data directory (`backup`, `restore`) know its files.
//!
//! Reading order: `sizes`, `error`, `kv`; `format`, `record`, `catalog`, `check`; `memory`, `embedded`, `etcd`, `open`, `backup`.

mod check;
mod error;
mod format;
mod kv;
mod memory;
mod open;
mod sizes;

pub mod backup;
pub mod catalog;
pub mod embedded;
pub mod etcd;
pub mod record;

pub use check::Unreadable;
pub use embedded::Embedded;
pub use error::StoreError;
pub use etcd::Etcd;
pub use kv::{CommitOutcome, Entry, Store, StoreVersion, Transaction};
#[cfg(test)]
pub(crate) use memory::Memory;
pub use open::{OpenedStore, StorePlace, open, open_in_memory};
pub use sizes::{KEY_MAX, VALUE_MAX};
