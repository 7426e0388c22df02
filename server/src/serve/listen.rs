//! The door of gRPC: so many connections at once and no more. Where there is no room, the one that has been without a call for
//! longest makes room for who comes.

use super::connection::{Connection, Standing};
use super::services::Services;
use super::tls::Certificates;
use crate::config::ServerLimits;
use crate::service::gate::Gate;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How many connections are taken before those who call get their turn: a crowd of thousands may stand at the door.
const AT_ONCE: usize = 16;
/// How long to leave the listener alone after it failed, as when no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(100);
/// How often whoever stands at the door looks for a connection that may be closed for it, while every one has a call open.
const LOOK: Duration = Duration::from_millis(100);

/// Where connections come in.
#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
    room: Arc<Semaphore>,
    open: Arc<Open>,
    served: Served,
}

/// What every connection is served with.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) services: Services,
    pub(super) limits: ServerLimits,
    /// None: no TLS.
    pub(super) certificates: Option<Arc<Certificates>>,
    /// Hears of certificates that are refused before there is a call.
    pub(super) gate: Arc<Gate>,
    /// No new calls are taken from now on.
    pub(super) halt: CancellationToken,
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Open(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u64,
    connections: HashMap<u64, Arc<Standing>>,
}

/// A place among the connections that may be open.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    open: Arc<Open>,
    _room: OwnedSemaphorePermit,
}

impl Listener {
    /// Takes as many connections at once as `served` says; beyond it, new ones wait in the kernel.
    pub(super) fn new(listener: TcpListener, served: Served) -> Self {
        let room = Arc::new(Semaphore::new(served.limits.connections as usize));
        Self { listener, room, open: Arc::default(), served }
    }

    /// Serves until it is told to halt, then until every connection is closed.
    pub(super) async fn serve(self) {
        let mut connections = JoinSet::new();
        for number in 1_usize.. {
            // Whoever has come to the door is lost with this future, so nothing but the end may come before it.
            let (stream, room) = tokio::select! {
                () = self.served.halt.cancelled() => break,
                next = self.next() => next,
            };
            // Without it a small answer may wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let standing = Arc::new(Standing::new());
            let place = self.open.enter(room, Arc::clone(&standing));
            while connections.try_join_next().is_some() {}
            connections.spawn(Connection::new(self.served.clone(), standing, place).serve(stream));
            if number.is_multiple_of(AT_ONCE) {
                tokio::task::yield_now().await;
            }
        }
        let Self { listener, .. } = self;
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, and the room for it.
    async fn next(&self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, self.room().await),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Room for one more, as soon as there is some.
    async fn room(&self) -> OwnedSemaphorePermit {
        loop {
            let room = Arc::clone(&self.room);
            if let Ok(room) = room.try_acquire_owned() {
                return room;
            }
            self.open.close_the_idlest();
            let room = Arc::clone(&self.room).acquire_owned();
            if let Ok(Ok(room)) = tokio::time::timeout(LOOK, room).await {
                return room;
            }
        }
    }
}

impl Open {
    fn enter(self: &Arc<Self>, room: OwnedSemaphorePermit, standing: Arc<Standing>) -> Place {
        let mut known = self.lock();
        known.last += 1;
        let number = known.last;
        known.connections.insert(number, standing);
        Place { number, open: Arc::clone(self), _room: room }
    }

    /// Closes the connection that can best be done without: one that was never let in before one that was, then the one that
    /// has been idle for longest. None where all have a call open.
    fn close_the_idlest(&self) {
        let known = self.lock();
        if let Some(idlest) = known.connections.values().min_by_key(|standing| standing.worth()) {
            idlest.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.lock().connections.remove(&self.number);
    }
}
