//! The events of a workspace, wherever its owner is.

use super::cluster::Cluster;
use crate::engine::{Engine, WorkspaceEvent};
use crate::owners::Route;
use apportion_core::ids::WorkspaceId;
use apportion_proto::v1::exchange_response::Response;
use futures_util::{Stream, StreamExt, stream};
use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_stream::wrappers::BroadcastStream;

/// How often a stream of events looks whether the workspace has another owner, besides when it is told.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// An event of a workspace.
#[derive(Clone, Debug)]
pub enum SeenEvent {
    /// Of the engine of this node.
    Here(WorkspaceEvent),
    /// Of another node, as it goes to clients.
    There(Box<Response>),
}

/// The events of one workspace. A slow reader misses some: they are hints, and the next answer has the same facts.
pub type Events = Pin<Box<dyn Stream<Item = SeenEvent> + Send>>;

/// The events of a workspace of this node.
pub(super) fn here(engine: &Engine, workspace: &WorkspaceId) -> Option<Events> {
    let events = BroadcastStream::new(engine.events(workspace).ok()?);
    Some(Box::pin(events.filter_map(|event| ready(event.ok().map(SeenEvent::Here)))))
}

/// The events of a workspace, of one owner after the other.
struct Follower {
    engine: Arc<Engine>,
    cluster: Arc<Cluster>,
    workspace: WorkspaceId,
    changed: watch::Receiver<u64>,
    current: Option<(Route, Events)>,
}

/// The events of a workspace of any node.
pub(super) fn anywhere(engine: Arc<Engine>, cluster: Arc<Cluster>, workspace: WorkspaceId) -> Events {
    let changed = cluster.routes.changed();
    let follower = Follower { engine, cluster, workspace, changed, current: None };
    Box::pin(stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await;
        Some((event, follower))
    }))
}

impl Follower {
    async fn next(&mut self) -> SeenEvent {
        loop {
            let route = self.cluster.routes.route(self.engine.shard_of(&self.workspace));
            if self.current.as_ref().is_none_or(|(of, _)| *of != route) {
                let events = self.subscribe(&route);
                self.current = events.map(|events| (route, events));
            }
            let (current, changed) = (&mut self.current, &mut self.changed);
            let next = async {
                match current {
                    Some((_, events)) => events.next().await,
                    None => pending().await,
                }
            };
            let is_over = tokio::select! {
                event = next => match event {
                    Some(event) => return event,
                    None => true,
                },
                changed = changed.changed() => changed.is_err(),
                () = tokio::time::sleep(LOOK_INTERVAL) => false,
            };
            if is_over {
                self.current = None;
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }

    fn subscribe(&self, route: &Route) -> Option<Events> {
        match route {
            Route::Local { .. } => here(&self.engine, &self.workspace),
            Route::Peer(owner) => {
                let shard = self.engine.shard_of(&self.workspace);
                let link = self.cluster.peers.link(&owner.peer_address, shard);
                let events = BroadcastStream::new(link.subscribe(&self.workspace)?);
                let seen = |event: Result<Response, _>| {
                    ready(event.ok().map(|event| SeenEvent::There(Box::new(event))))
                };
                Some(Box::pin(events.filter_map(seen)))
            }
            Route::Nobody => None,
        }
    }
}
