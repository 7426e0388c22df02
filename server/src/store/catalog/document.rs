//! The documents of the catalog, and as which bytes each is stored.

use super::super::format;
use super::keys::{domain_key, drain_key, pin_key, team_key, token_key, workspace_key};
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_proto::v1::{Domain, Team, Token, Workspace};
use prost::Message;

/// A token with the hash of its secret; the secret itself is stored nowhere.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptToken {
    /// The token.
    pub token: Token,
    /// The SHA-256 of its secret.
    pub secret_sha256: [u8; 32],
}

/// Where a shard is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPin {
    /// The node.
    pub node: NodeId,
    /// The workspace that was moved, and its shard with it.
    pub workspace: WorkspaceId,
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
    /// A domain.
    Domain {
        /// Its id.
        domain: String,
        /// What it is.
        value: Domain,
    },
    /// A token.
    Token {
        /// Its id.
        token: String,
        /// What it is.
        value: KeptToken,
    },
    /// A node drains.
    Drain {
        /// Its id.
        node: NodeId,
    },
    /// A shard is kept at a node.
    Pin {
        /// The shard.
        shard: u16,
        /// Where it is kept, and why.
        value: KeptPin,
    },
}

impl Document {
    /// The key under which it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Workspace { workspace, .. } => workspace_key(workspace),
            Self::Team { workspace, team, .. } => team_key(workspace, team),
            Self::Domain { domain, .. } => domain_key(domain),
            Self::Token { token, .. } => token_key(token),
            Self::Drain { node } => drain_key(node.as_str()),
            Self::Pin { shard, .. } => pin_key(*shard),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Workspace { value, .. } => value.encode_to_vec(),
            Self::Team { value, .. } => value.encode_to_vec(),
            Self::Domain { value, .. } => value.encode_to_vec(),
            Self::Token { value: KeptToken { token, secret_sha256 }, .. } => {
                format::TokenMessage { token: Some(token.clone()), secret_sha256: secret_sha256.into() }
                    .encode_to_vec()
            }
            Self::Drain { .. } => Vec::new(),
            Self::Pin { value: KeptPin { node, workspace }, .. } => {
                format::PinMessage { node: node.to_string(), workspace: workspace.to_string() }
                    .encode_to_vec()
            }
        }
    }
}
