//! The workspaces whose events a stream gets.

use crate::engine::{Engine, WorkspaceEvent};
use apportion_core::ids::WorkspaceId;
use foldhash::HashSet;
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::wrappers::BroadcastStream;

/// Most workspaces whose events one stream gets.
const WORKSPACES_MAX: usize = 64;

/// The events of one workspace.
type Events = Pin<Box<dyn Stream<Item = (WorkspaceId, WorkspaceEvent)> + Send>>;

/// The subscriptions of one stream.
#[derive(Default)]
pub(super) struct Subscriptions {
    workspaces: HashSet<WorkspaceId>,
    events: SelectAll<Events>,
}

impl Subscriptions {
    /// From now on the stream gets the events of this workspace.
    pub(super) fn add(&mut self, engine: &Engine, workspace: &WorkspaceId) {
        if self.workspaces.contains(workspace) || self.workspaces.len() >= WORKSPACES_MAX {
            return;
        }
        if let Ok(events) = engine.events(workspace) {
            let id = workspace.clone();
            // A slow stream misses some: they are hints, and the next answer has the same facts.
            let events = BroadcastStream::new(events).filter_map(move |event| {
                let event = event.ok().map(|event| (id.clone(), event));
                async move { event }
            });
            self.events.push(Box::pin(events));
            self.workspaces.insert(workspace.clone());
        }
    }

    /// The next event of any workspace.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<(WorkspaceId, WorkspaceEvent)>> {
        self.events.poll_next_unpin(context)
    }

    /// Ends every subscription.
    pub(super) fn clear(&mut self) {
        self.events.clear();
    }
}
