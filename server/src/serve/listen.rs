//! The gRPC listener: accepts connections and spawns a task for each.

use super::activity::Activity;
use super::connection::{ConnectionContext, ServerConnection};
use super::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// How many connections are accepted before other tasks get their turn: thousands may arrive at once.
const ACCEPTS_PER_TURN: usize = 16;
/// How long to pause after `accept` failed, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The gRPC listener.
#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
    registry: Registry,
    context: ConnectionContext,
}

impl Listener {
    /// Serves as many connections at once as the limits of `context` allow; beyond them, new ones wait in the kernel.
    pub(super) fn new(listener: TcpListener, context: ConnectionContext) -> Self {
        let registry = Registry::new(context.limits.connections as usize);
        Self { listener, registry, context }
    }

    /// Serves until the server halts, then until every connection is closed.
    pub(super) async fn serve(self) {
        let mut tasks = JoinSet::new();
        for number in 1_usize.. {
            // An accepted connection is lost where this future is dropped, so only a halt may come before it.
            let (stream, room) = tokio::select! {
                () = self.context.halt.cancelled() => break,
                next = self.next() => next,
            };
            // Without it a small answer may wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let activity = Arc::new(Activity::new());
            let registration = self.registry.add(room, Arc::clone(&activity));
            while tasks.try_join_next().is_some() {}
            let connection = ServerConnection::new(self.context.clone(), activity);
            tasks.spawn(async move {
                let _registration = registration;
                connection.serve(stream).await;
            });
            if number.is_multiple_of(ACCEPTS_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
        let Self { listener, .. } = self;
        drop(listener);
        while tasks.join_next().await.is_some() {}
    }

    /// The next connection, and the room for it.
    async fn next(&self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, self.registry.room().await),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
