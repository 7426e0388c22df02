//! The workspaces whose events a stream gets.

use crate::leases::{LeaseRouter, SeenEvent};
use apportion_core::ids::WorkspaceId;
use foldhash::HashSet;
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Most workspaces whose events one stream gets.
const WORKSPACES_MAX: usize = 64;

/// The events of one workspace.
type WorkspaceEvents = Pin<Box<dyn Stream<Item = (WorkspaceId, SeenEvent)> + Send>>;

/// The subscriptions of one stream.
#[derive(Default)]
pub(super) struct Subscriptions {
    /// The one of the last message, which the next one is mostly about.
    last: Option<WorkspaceId>,
    workspaces: HashSet<WorkspaceId>,
    events: SelectAll<WorkspaceEvents>,
}

impl Subscriptions {
    /// From now on the stream gets the events of this workspace.
    pub(super) fn add(&mut self, leases: &LeaseRouter, workspace: &WorkspaceId) {
        if self.last.as_ref() == Some(workspace) {
            return;
        }
        if self.workspaces.contains(workspace) || self.subscribe(leases, workspace) {
            self.last = Some(workspace.clone());
        }
    }

    /// Returns whether there was room and the workspace has events here.
    fn subscribe(&mut self, leases: &LeaseRouter, workspace: &WorkspaceId) -> bool {
        if self.workspaces.len() >= WORKSPACES_MAX {
            return false;
        }
        let Some(events) = leases.events(workspace) else { return false };
        let id = workspace.clone();
        self.events.push(Box::pin(events.map(move |event| (id.clone(), event))));
        self.workspaces.insert(workspace.clone())
    }

    /// The next event of any workspace.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(WorkspaceId, SeenEvent)>> {
        self.events.poll_next_unpin(context)
    }

    /// Ends every subscription.
    pub(super) fn clear(&mut self) {
        self.events.clear();
    }
}
