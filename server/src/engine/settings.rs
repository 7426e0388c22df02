//! What an engine starts with, and why it does not start.

use crate::error::Error;
use apportion_core::bounds::Bounds;
use apportion_core::ids::NodeId;
use apportion_core::ledger::Horizon;
use apportion_core::policy::{Policy, PolicyError};

/// The settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The name of this server.
    pub node: NodeId,
    /// How far ahead windows are booked, and how wrong the clock may be.
    pub horizon: Horizon,
    /// What one workspace may hold.
    pub bounds: Bounds,
    /// How many shards workspaces are hashed into, as the store says.
    pub shards: u16,
    /// Which of them are served.
    pub serving: Serving,
}

/// Which shards an engine serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Serving {
    /// All of them, from its start on: this process alone uses the store.
    #[default]
    Everything,
    /// Those that it is told to claim.
    Claimed,
}

impl Serving {
    /// Why a workspace of this shard is closed where it is not served here.
    pub(super) fn elsewhere(self, shard: u16) -> Error {
        match self {
            Self::Everything => Error::StoreLost,
            Self::Claimed => Error::NotOwner { shard },
        }
    }
}

/// A policy as it stands in the store.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The policy.
    pub policy: Policy,
    /// The revision of the policy, which every booking compares.
    pub version: u64,
}

/// Why an engine did not start.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error("the store cannot be used: {0}")]
    Store(String),
    /// Without random bits, lease names could be guessed.
    #[error("the system provides no random bits")]
    NoRandom,
    /// A stored policy breaks a rule.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}
