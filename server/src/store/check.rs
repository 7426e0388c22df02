//! What of a store can be read, document by document: a copy is as good as what was copied.

use super::catalog::readable;
use super::record;

/// A document that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// Whether no server starts, or none goes on, without it. The others are shown as unreadable where they are listed.
    pub is_vital: bool,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cannot be read: {}", self.key, self.why)
    }
}

/// What is wrong with a document, where something is.
pub(super) fn unreadable(key: &str, value: &[u8]) -> Option<Unreadable> {
    let of_shard = key.starts_with(record::PREFIX);
    let read = if of_shard {
        record::decode(value).map(|_| ()).map_err(|error| error.to_string())
    } else {
        readable(key, value)
    };
    let why = read.err()?;
    Some(Unreadable { key: key.into(), why, is_vital: !key.starts_with(super::catalog::AUDIT_PREFIX) })
}
