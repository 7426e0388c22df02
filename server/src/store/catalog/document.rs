//! The documents of the catalog: under which key each stands, and as which bytes.

use super::super::{Entry, format};
use super::{CatalogError, Stored};
use apportion_proto::v1::{AuditEntry, Team, Token, Workspace};
use prost::Message;

pub(super) const WORKSPACES: &str = "workspace/";
pub(super) const TOKENS: &str = "token/";
const TEAMS: &str = "team/";

/// The key of the workspace with this id.
pub fn workspace_key(workspace: &str) -> String {
    format!("{WORKSPACES}{workspace}")
}

/// The key of a team, by the ids of its workspace and its own.
pub fn team_key(workspace: &str, team: &str) -> String {
    format!("{TEAMS}{workspace}/{team}")
}

/// The key of the token with this id.
pub fn token_key(token: &str) -> String {
    format!("{TOKENS}{token}")
}

/// A token with the hash of its secret; the secret itself is nowhere.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptToken {
    /// The token.
    pub token: Token,
    /// The SHA-256 of its secret.
    pub secret_sha256: [u8; 32],
}

/// One document, by the ids under which it stands.
#[derive(Clone, PartialEq, Debug)]
pub enum Document {
    /// A workspace.
    Workspace {
        /// Its id.
        workspace: String,
        /// What it is.
        value: Workspace,
    },
    /// A team.
    Team {
        /// The id of its workspace.
        workspace: String,
        /// Its id.
        team: String,
        /// What it is.
        value: Team,
    },
    /// A token.
    Token {
        /// Its id.
        token: String,
        /// What it is.
        value: KeptToken,
    },
}

impl Document {
    /// The key under which it stands.
    pub fn key(&self) -> String {
        match self {
            Self::Workspace { workspace, .. } => workspace_key(workspace),
            Self::Team { workspace, team, .. } => team_key(workspace, team),
            Self::Token { token, .. } => token_key(token),
        }
    }

    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Workspace { value, .. } => value.encode_to_vec(),
            Self::Team { value, .. } => value.encode_to_vec(),
            Self::Token { value: KeptToken { token, secret_sha256 }, .. } => {
                format::KeptToken { token: Some(token.clone()), secret_sha256: secret_sha256.into() }
                    .encode_to_vec()
            }
        }
    }
}

/// What can stand in the catalog.
pub(super) trait Stands: Sized {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String>;
}

macro_rules! messages_stand {
    ($($message:ty),+) => {
        $(impl Stands for $message {
            fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
                Self::decode(bytes).map_err(|error| error.to_string())
            }
        })+
    };
}

messages_stand!(Workspace, Team, AuditEntry, format::AuditSpan);

impl Stands for KeptToken {
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let kept = format::KeptToken::decode(bytes).map_err(|error| error.to_string())?;
        let token = kept.token.ok_or("it has no token")?;
        let secret_sha256 = kept.secret_sha256.try_into().map_err(|_| "its hash is not of 32 bytes")?;
        Ok(Self { token, secret_sha256 })
    }
}

/// Whether the value under a key is the document that belongs there.
pub(in super::super) fn readable(key: &str, value: &[u8]) -> Result<(), String> {
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
    } else if key.starts_with(super::audit::ENTRIES) {
        AuditEntry::from_bytes(value).map(|_| ())
    } else if key == super::audit::SPAN {
        format::AuditSpan::from_bytes(value).map(|_| ())
    } else {
        // What a later program may have put there is not for this one to judge.
        Ok(())
    }
}

/// The document of an entry.
pub(super) fn read<T: Stands>(entry: Entry) -> Result<Stored<T>, CatalogError> {
    match T::from_bytes(&entry.value) {
        Ok(value) => Ok(Stored { value, version: entry.version }),
        Err(why) => Err(CatalogError::Damaged { key: entry.key, why }),
    }
}
