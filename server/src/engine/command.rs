//! What workspaces and calls send to the ledger's thread.

use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::ShardInput;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A command to the ledger. The number is that of a shard.
#[derive(Debug)]
pub(super) enum Command {
    /// Give a shard its input.
    Shard(u16, ShardInput),
    /// Take a shard over.
    Claim(u16),
    /// Give a shard to a node.
    HandOver(u16, NodeId),
    /// A node has claimed a shard, in this epoch.
    Deposed(u16, NodeId, u64),
    /// Open a workspace that is closed; reply once that was tried.
    Open(WorkspaceId, Option<Sender<()>>),
    /// Open every workspace again: the clock has a new anchor.
    Reanchor,
    /// Reopen the store: it failed in a use outside the ledger.
    StoreFailed,
    /// Hand back what was booked and not granted, and stop.
    Stop,
}

/// The way to the ledger. It accepts everything until the ledger stops, and after that nothing is granted.
#[derive(Clone, Debug)]
pub(super) struct LedgerHandle(Sender<Command>);

impl LedgerHandle {
    /// A handle, and where its commands arrive.
    pub(super) fn new() -> (Self, Receiver<Command>) {
        let (commands, inbox) = channel();
        (Self(commands), inbox)
    }

    /// Sends a command. Never blocks.
    pub(super) fn send(&self, command: Command) {
        let _ = self.0.send(command);
    }
}
