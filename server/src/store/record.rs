//! A shard's record as bytes: a version, then protobuf. What is read is checked as if anybody had written it.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod upgrade;
mod write;

pub use error::RecordError;

use super::format;
use apportion_core::ids::NodeId;
use apportion_core::ledger::ShardRecord;
use apportion_core::time::Timestamp;
use prost::Message;
use upgrade::{VERSION, WITHOUT_ACCOUNTS};

/// What the keys of records start with.
pub(super) const PREFIX: &str = "shard/";

/// The key of a shard's record.
pub fn key(shard: u16) -> String {
    format!("{PREFIX}{shard:04}")
}

/// The record as bytes.
pub fn encode(record: &ShardRecord) -> Vec<u8> {
    let message = format::ShardMessage {
        epoch: record.epoch,
        owner: record.owner.to_string(),
        nonce: record.nonce.to_be_bytes().into(),
        incarnation: record.incarnation.to_be_bytes().into(),
        spent_before: record.spent_before.as_ns(),
        limits: write::limits(record),
        known_from: record.known_from.as_ns(),
        accounts: record.accounts.iter().map(write::account).collect(),
    };
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    bytes.extend(message.encode_to_vec());
    bytes
}

/// The record that the bytes hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode(bytes: &[u8]) -> Result<ShardRecord, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if version != VERSION && version != WITHOUT_ACCOUNTS {
        return Err(RecordError::Version { found: version });
    }
    let message = format::ShardMessage::decode(bytes)?;
    let mut record = ShardRecord::first(
        NodeId::new(&message.owner)?,
        read::number(&message.nonce)?,
        read::number(&message.incarnation)?,
    );
    record.epoch = message.epoch;
    record.known_from = Timestamp::from_ns(message.known_from);
    record.spent_before = Timestamp::from_ns(message.spent_before);
    for limit in message.limits {
        read::limit(limit, &mut record)?;
    }
    for account in message.accounts {
        read::account(account, &mut record)?;
    }
    if version == WITHOUT_ACCOUNTS {
        upgrade::add_accounts(&mut record);
    }
    Ok(record)
}
