//! What clients and nodes say to each other, and what a node does to the world.

use super::grants::Ask;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{HostEffect, MarkKey, Swap, Token};
use apportion_core::permits::Permits;

/// One attempt of a client's request.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The request.
    pub request: u64,
    /// What is asked.
    pub ask: Ask,
    /// When the client sent it, by true time: only the client reads it.
    pub sent: u64,
    /// Whether another node passed it on, which took this one for the owner.
    pub forwarded: bool,
}

/// What the client is told.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Its number in the node's life.
    pub id: (usize, u64, u64),
    /// The attempt it answers.
    pub attempt: Attempt,
    /// How long the node kept the attempt.
    pub held: u64,
    /// How long it lives from the answer on.
    pub valid_for: u64,
}

/// What a node does to the world.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes.
    Swap(Token, Swap),
    /// Reads.
    Read(Token),
    /// Reads marks.
    Scan(Token, Option<WorkspaceId>),
    /// Answers a client.
    Answer(Lease),
    /// Permits were granted.
    Granted(Vec<MarkKey>, Permits, bool),
    /// Permits came back in time.
    Returned(Vec<MarkKey>, Permits, bool),
    /// Anything else the host says: for the trace.
    Said(HostEffect),
}
