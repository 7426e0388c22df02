//! Documents out of stored bytes, each with its version.

use super::super::format;
use super::super::kv::{Entry, StoreVersion};
use super::document::KeptToken;
use super::error::CatalogError;
use super::keys::{AUDIT_PREFIX, AUDIT_SPAN, TEAMS, TOKENS, WORKSPACES};
use apportion_proto::v1::{AuditEntry, Team, Workspace};
use prost::Message;

/// A document as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored<T> {
    /// The document.
    pub value: T,
    /// Its version, for the next change to expect.
    pub version: StoreVersion,
}

/// A message that is stored in the catalog.
pub(super) trait StoredMessage: Sized {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String>;
}

macro_rules! stored_messages {
    ($($message:ty),+) => {
        $(impl StoredMessage for $message {
            fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
                Self::decode(bytes).map_err(|error| error.to_string())
            }
        })+
    };
}

stored_messages!(Workspace, Team, AuditEntry, format::AuditSpan);

impl StoredMessage for KeptToken {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let kept = format::TokenMessage::decode(bytes).map_err(|error| error.to_string())?;
        let token = kept.token.ok_or("it has no token")?;
        let secret_sha256 = kept.secret_sha256.try_into().map_err(|_| "its hash is not of 32 bytes")?;
        Ok(Self { token, secret_sha256 })
    }
}

/// Checks that the value under a key is the document that belongs there.
pub(crate) fn readable(key: &str, value: &[u8]) -> Result<(), String> {
    let named = |name: &str, expected: String| match name == expected {
        true => Ok(()),
        false => Err(format!("it is that of {name:?}")),
    };
    if let Some(id) = key.strip_prefix(WORKSPACES) {
        named(&Workspace::from_bytes(value)?.name, format!("workspaces/{id}"))
    } else if let Some((workspace, id)) = key.strip_prefix(TEAMS).and_then(|rest| rest.split_once('/')) {
        named(&Team::from_bytes(value)?.name, format!("workspaces/{workspace}/teams/{id}"))
    } else if let Some(id) = key.strip_prefix(TOKENS) {
        named(&KeptToken::from_bytes(value)?.token.name, format!("tokens/{id}"))
    } else if key.starts_with(AUDIT_PREFIX) {
        AuditEntry::from_bytes(value).map(|_| ())
    } else if key == AUDIT_SPAN {
        format::AuditSpan::from_bytes(value).map(|_| ())
    } else {
        // A newer program may have written it: this one cannot judge it.
        Ok(())
    }
}

/// The document of an entry.
pub(super) fn read<T: StoredMessage>(entry: Entry) -> Result<Stored<T>, CatalogError> {
    match T::from_bytes(&entry.value) {
        Ok(value) => Ok(Stored { value, version: entry.version }),
        Err(why) => Err(CatalogError::Damaged { key: entry.key, why }),
    }
}
