//! The number of watchers is bounded: each takes a snapshot under its workspace's lock again and again.

use crate::error::Error;
use apportion_core::ids::WorkspaceId;
use apportion_core::time::Span;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most watchers of one workspace.
const PER_WORKSPACE_MAX: usize = 100;
/// When to retry where every seat is taken.
const RETRY_AFTER: Span = Span::from_secs(5);

/// The seats that are taken.
#[derive(Debug)]
pub(super) struct Watchers {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<WorkspaceId, usize>,
}

/// The seat of one watcher, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    workspace: WorkspaceId,
    watchers: Arc<Watchers>,
}

impl Watchers {
    /// Seats for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    /// One more watcher of a workspace.
    ///
    /// # Errors
    /// [`Error::ServerFull`] where too many watch it, or all workspaces together.
    pub(super) fn seat(self: &Arc<Self>, workspace: &WorkspaceId) -> Result<Seat, Error> {
        let full =
            |what, most: usize| Error::ServerFull { what, most: most as u64, retry_after: RETRY_AFTER };
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(full("watchers", self.most));
        }
        let of = taken.of.entry(workspace.clone()).or_default();
        if *of >= PER_WORKSPACE_MAX {
            return Err(full("watchers of one workspace", PER_WORKSPACE_MAX));
        }
        *of += 1;
        taken.all += 1;
        Ok(Seat { workspace: workspace.clone(), watchers: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.watchers.lock();
        taken.all -= 1;
        if let Some(of) = taken.of.get_mut(&self.workspace) {
            *of -= 1;
            if *of == 0 {
                taken.of.remove(&self.workspace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_are_bounded_in_each_workspace_and_in_all() {
        let watchers = Arc::new(Watchers::new(PER_WORKSPACE_MAX + 1));
        let id = |id| WorkspaceId::new(id).expect("a name");
        let mut seats: Vec<_> =
            (0..PER_WORKSPACE_MAX).map(|_| watchers.seat(&id("a")).expect("a seat")).collect();
        assert!(watchers.seat(&id("a")).is_err());
        seats.push(watchers.seat(&id("b")).expect("a seat"));
        assert!(watchers.seat(&id("b")).is_err(), "all are taken");
        seats.remove(0);
        seats.push(watchers.seat(&id("a")).expect("one has left"));
        drop(seats);
        assert!(watchers.lock().of.is_empty() && watchers.lock().all == 0);
    }
}
