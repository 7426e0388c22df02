//! The documents of the catalog, and as which bytes each is stored.

use super::super::format;
use super::keys::{team_key, token_key, workspace_key};
use apportion_proto::v1::{Team, Token, Workspace};
use prost::Message;

/// A token with the hash of its secret; the secret itself is stored nowhere.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptToken {
    /// The token.
    pub token: Token,
    /// The SHA-256 of its secret.
    pub secret_sha256: [u8; 32],
}

/// One document, with the ids in its key.
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
    /// The key under which it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Workspace { workspace, .. } => workspace_key(workspace),
            Self::Team { workspace, team, .. } => team_key(workspace, team),
            Self::Token { token, .. } => token_key(token),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Workspace { value, .. } => value.encode_to_vec(),
            Self::Team { value, .. } => value.encode_to_vec(),
            Self::Token { value: KeptToken { token, secret_sha256 }, .. } => {
                format::TokenMessage { token: Some(token.clone()), secret_sha256: secret_sha256.into() }
                    .encode_to_vec()
            }
        }
    }
}
