//! Documents out of stored bytes, each with its version.

use super::super::format;
use super::super::kv::{Entry, StoreVersion};
use super::document::{KeptPin, KeptToken};
use super::error::CatalogError;
use super::keys::{AUDIT_PREFIX, AUDIT_SPAN, DOMAINS, PINS, TEAMS, TOKENS, WORKSPACES};
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_proto::v1::{AuditEntry, Domain, Team, Token, Workspace};
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

stored_messages!(Workspace, Team, Domain, AuditEntry, format::AuditSpan);

impl StoredMessage for KeptToken {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let kept = format::TokenMessage::decode(bytes).map_err(|error| error.to_string())?;
        let token = kept.token.ok_or("it has no token")?;
        let secret_sha256 = kept.secret_sha256.try_into().map_err(|_| "its hash is not of 32 bytes")?;
        Ok(Self { token, secret_sha256 })
    }
}

impl StoredMessage for KeptPin {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let pin = format::PinMessage::decode(bytes).map_err(|error| error.to_string())?;
        let node = NodeId::new(&pin.node).map_err(|error| format!("node: {error}"))?;
        let workspace = WorkspaceId::new(&pin.workspace).map_err(|error| format!("workspace: {error}"))?;
        Ok(Self { node, workspace })
    }
}

/// A message that is listed by its name.
pub(super) trait NamedMessage {
    fn named(name: String) -> Self;
}

impl NamedMessage for Workspace {
    fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }
}

impl NamedMessage for Team {
    fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }
}

impl NamedMessage for KeptToken {
    fn named(name: String) -> Self {
        Self { token: Token { name, ..Token::default() }, secret_sha256: [0; 32] }
    }
}

/// The name of the resource whose document lies under a key.
fn name_of(key: &str) -> String {
    if let Some(id) = key.strip_prefix(WORKSPACES) {
        return format!("workspaces/{id}");
    }
    if let Some((workspace, id)) = key.strip_prefix(TEAMS).and_then(|rest| rest.split_once('/')) {
        return format!("workspaces/{workspace}/teams/{id}");
    }
    if let Some(id) = key.strip_prefix(DOMAINS) {
        return format!("domains/{id}");
    }
    format!("tokens/{}", key.strip_prefix(TOKENS).unwrap_or(key))
}

/// The document of an entry; with its name alone where it cannot be read.
pub(super) fn read_or_name<T: StoredMessage + NamedMessage>(entry: Entry) -> Stored<T> {
    let (name, version) = (name_of(&entry.key), entry.version);
    read(entry).unwrap_or_else(|error| {
        tracing::error!(%error, "a document is listed with its name alone");
        Stored { value: T::named(name), version }
    })
}

/// Checks that the value under a key is the document that belongs there.
pub(crate) fn readable(key: &str, value: &[u8]) -> Result<(), String> {
    let named = |name: &str, expected: String| match name == expected {
        true => Ok(()),
        false => Err(format!("it is that of {name:?}")),
    };
    if key.starts_with(WORKSPACES) {
        named(&Workspace::from_bytes(value)?.name, name_of(key))
    } else if key.starts_with(TEAMS) && key.matches('/').count() == 2 {
        named(&Team::from_bytes(value)?.name, name_of(key))
    } else if key.starts_with(DOMAINS) {
        named(&Domain::from_bytes(value)?.name, name_of(key))
    } else if key.starts_with(TOKENS) {
        named(&KeptToken::from_bytes(value)?.token.name, name_of(key))
    } else if key.starts_with(PINS) {
        KeptPin::from_bytes(value).map(|_| ())
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
