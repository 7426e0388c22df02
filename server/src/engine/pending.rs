//! A request that waits: resolves with the answer, and withdraws itself when it is dropped before.

use super::grant::{Granted, Reply};
use super::waiters::PendingReply;
use super::workspace::Workspace;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What became of a request at once.
#[derive(Debug)]
pub enum Acquired {
    /// It was granted.
    Granted(Granted),
    /// It waits.
    Pending(PendingAcquire),
}

/// A request that waits. Dropped before the answer, it is withdrawn; dropped with a lease that nobody saw, the lease goes back.
#[derive(Debug)]
pub struct PendingAcquire {
    workspace: Arc<Workspace>,
    reply: PendingReply,
}

impl PendingAcquire {
    pub(super) fn new(workspace: Arc<Workspace>, reply: PendingReply) -> Self {
        Self { workspace, reply }
    }
}

impl Future for PendingAcquire {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        self.reply.poll(context)
    }
}

impl Drop for PendingAcquire {
    fn drop(&mut self) {
        if self.reply.is_open() {
            self.workspace.withdraw(&mut self.reply);
        }
    }
}
