//! What an engine starts with, and why it does not start.

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
}

/// A policy as it stands in the store.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The policy.
    pub policy: Policy,
    /// The version of the workspace's document, which every booking is compared with.
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
