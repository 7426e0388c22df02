//! Claims and marks as bytes: a version, then protobuf. What is read is checked as if anybody had written it.

mod error;
pub(super) mod former;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use error::RecordError;

use super::format;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{Claim, Marks};
use apportion_core::time::Timestamp;
use prost::Message;

/// The version of the bytes that this program writes. A newer one is refused.
const VERSION: u8 = 1;

/// What the keys of claims start with.
pub const CLAIMS: &str = "shards/";
/// What the keys of marks start with.
pub(super) const MARKS: &str = "marks/";

/// The key of a shard's claim.
pub fn claim_key(shard: u16) -> String {
    format!("{CLAIMS}{shard:05}")
}

/// What the keys of the marks of a shard's workspaces start with.
pub fn marks_prefix(shard: u16) -> String {
    format!("{MARKS}{shard:05}/")
}

/// The key of the marks of a workspace.
pub fn marks_key(shard: u16, workspace: &WorkspaceId) -> String {
    format!("{MARKS}{shard:05}/{workspace}")
}

/// The claim as bytes.
pub fn encode_claim(claim: &Claim) -> Vec<u8> {
    // Taken apart by name: a new field does not compile until it is kept too.
    let Claim { epoch, owner, nonce, incarnation, known_from, spent_before } = claim;
    versioned(&format::ClaimMessage {
        epoch: *epoch,
        owner: owner.to_string(),
        nonce: nonce.to_be_bytes().into(),
        incarnation: incarnation.to_be_bytes().into(),
        known_from: known_from.as_ns(),
        spent_before: spent_before.as_ns(),
    })
}

/// The claim that the bytes hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode_claim(bytes: &[u8]) -> Result<Claim, RecordError> {
    let message: format::ClaimMessage = unversioned(bytes)?;
    Ok(Claim {
        epoch: message.epoch,
        owner: NodeId::new(&message.owner)?,
        nonce: read::number(&message.nonce)?,
        incarnation: read::number(&message.incarnation)?,
        known_from: Timestamp::from_ns(message.known_from),
        spent_before: Timestamp::from_ns(message.spent_before),
    })
}

/// The marks as bytes.
pub fn encode_marks(marks: &Marks) -> Vec<u8> {
    versioned(&write::marks(marks))
}

/// The marks that the bytes under this key hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode_marks(key: &str, bytes: &[u8]) -> Result<Marks, RecordError> {
    read::marks(workspace_of(key)?, unversioned(bytes)?)
}

/// The workspace whose marks lie under this key.
///
/// # Errors
/// [`RecordError`] where there is no name of one in it.
pub fn workspace_of(key: &str) -> Result<WorkspaceId, RecordError> {
    Ok(WorkspaceId::new(key.rsplit('/').next().unwrap_or_default())?)
}

fn versioned(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    bytes.extend(message.encode_to_vec());
    bytes
}

fn unversioned<T: Message + Default>(bytes: &[u8]) -> Result<T, RecordError> {
    let (&found, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if found != VERSION {
        return Err(RecordError::Version { found, known: VERSION });
    }
    Ok(T::decode(bytes)?)
}
