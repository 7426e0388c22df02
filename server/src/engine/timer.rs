//! The timer: wakes each workspace at the deadline that its allocator named. One task for all of them; nothing polls.

use super::parts::Parts;
use super::supervise;
use super::workspace::Workspace;
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// The longest sleep: after it the clock is read again, which may have got a new anchor.
const LONGEST: Duration = Duration::from_secs(1);

/// Who is to be woken when.
#[derive(Debug, Default)]
pub(super) struct Timer {
    alarms: Mutex<Alarms>,
    sooner: Notify,
}

/// One alarm a workspace, so they are as many as workspaces at most. A workspace is known by where it lies, which nobody else does
/// as long as its alarm is kept.
#[derive(Debug, Default)]
struct Alarms {
    in_order: BTreeMap<(Timestamp, usize), Weak<Workspace>>,
    set: HashMap<usize, Timestamp>,
}

impl Alarms {
    /// The instant of the first alarm.
    fn first(&self) -> Option<Timestamp> {
        self.in_order.first_key_value().map(|((at, _), _)| *at)
    }

    fn put(&mut self, at: Timestamp, workspace: &Arc<Workspace>) {
        let place = Arc::as_ptr(workspace).addr();
        if let Some(before) = self.set.insert(place, at) {
            self.in_order.remove(&(before, place));
        }
        self.in_order.insert((at, place), Arc::downgrade(workspace));
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Weak<Workspace>> {
        let first = self.in_order.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, place), workspace) = first.remove_entry();
        self.set.remove(&place);
        Some(workspace)
    }
}

impl Timer {
    /// Wakes `workspace` at `at`, and not at the instant that was set before.
    pub(super) fn set(&self, at: Timestamp, workspace: &Arc<Workspace>) {
        let mut alarms = self.lock();
        let is_first = alarms.first().is_none_or(|first| at < first);
        alarms.put(at, workspace);
        drop(alarms);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// How many alarms are set.
    #[cfg(test)]
    pub(super) fn alarms(&self) -> usize {
        self.lock().in_order.len()
    }

    fn next_due(&self, now: Timestamp) -> Option<Weak<Workspace>> {
        self.lock().take_due(now)
    }

    fn sleep(&self, now: Timestamp) -> Duration {
        let first = self.lock().first();
        first.map_or(LONGEST, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST))
    }

    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the timer until the engine is gone.
pub(super) fn start(parts: &Arc<Parts>) {
    let weak = Arc::downgrade(parts);
    supervise::task(parts, "the timer", async move {
        while let Some(parts) = weak.upgrade() {
            while let Some(workspace) = parts.timer.next_due(parts.clock.now()) {
                if let Some(workspace) = workspace.upgrade() {
                    workspace.shielded(&parts, |workspace| workspace.wake(&parts));
                }
            }
            let sleep = parts.timer.sleep(parts.clock.now());
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = parts.timer.sooner.notified() => {}
            }
        }
    });
}
