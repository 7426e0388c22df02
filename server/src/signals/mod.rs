//! Signals: what a provider's responses say about its limits, as data. How they are written in files, and what they may hold.
//!
//! The server checks them and hands them out. It interprets none: clients do, by the rules of `docs/signals.md`.
//! Modules stand in reading order, bottom first.

mod bounds;

mod sources;

mod matches;

mod check;

mod table;

use apportion_proto::v1;
use prost::Message;
use sha2::{Digest, Sha256};

pub(crate) use check::check;
pub use table::SignalsTable;

/// The version of signals: the same for equal signals, on every server. Never 0.
pub fn version(signals: &v1::Signals) -> u32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(signals.encode_to_vec()));
    u32::from_be_bytes([a, b, c, d]).max(1)
}

#[cfg(test)]
mod tests;
