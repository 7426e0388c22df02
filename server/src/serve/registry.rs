//! The connections that are open: a bounded number. Where there is no room, an idle one is closed for a new one.

use super::activity::Activity;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often to look for a connection that may be closed while all of them are busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Registry {
    room: Arc<Semaphore>,
    open: Arc<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections(Mutex<ById>);

#[derive(Debug, Default)]
struct ById {
    last_id: u64,
    activities: HashMap<u64, Arc<Activity>>,
}

/// One connection among those that are open, until it is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    id: u64,
    open: Arc<OpenConnections>,
    _room: OwnedSemaphorePermit,
}

impl Registry {
    /// Room for so many connections.
    pub(super) fn new(connections_max: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(connections_max)), open: Arc::default() }
    }

    /// Room for one more connection, as soon as there is some.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        loop {
            let room = Arc::clone(&self.room);
            if let Ok(room) = room.try_acquire_owned() {
                return room;
            }
            self.open.close_one();
            let room = Arc::clone(&self.room).acquire_owned();
            if let Ok(Ok(room)) = tokio::time::timeout(RETRY_INTERVAL, room).await {
                return room;
            }
        }
    }

    /// Adds a connection.
    pub(super) fn add(&self, room: OwnedSemaphorePermit, activity: Arc<Activity>) -> Registration {
        let mut connections = self.open.lock();
        connections.last_id += 1;
        let id = connections.last_id;
        connections.activities.insert(id, activity);
        Registration { id, open: Arc::clone(&self.open), _room: room }
    }
}

impl OpenConnections {
    /// Closes one connection: one that was never authorized before one that was, then the one that has been idle for longest. None
    /// where all have a call open.
    fn close_one(&self) {
        let connections = self.lock();
        if let Some(first) = connections.activities.values().min_by_key(|activity| activity.eviction_order())
        {
            first.close_unless_busy();
        }
    }

    fn lock(&self) -> MutexGuard<'_, ById> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.open.lock().activities.remove(&self.id);
    }
}
