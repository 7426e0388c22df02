//! The timer: wakes each workspace at the deadline that its allocator named. One task for all of them; nothing polls.

use super::parts::Parts;
use super::supervise;
use super::workspace::Workspace;
use apportion_core::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// The longest sleep: after it the clock is read again, which may have got a new anchor.
const LONGEST: Duration = Duration::from_secs(1);

/// A workspace that wants to be woken. Only the instant counts in the order.
#[derive(Debug)]
struct Alarm(Timestamp, Weak<Workspace>);

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// Who is to be woken when.
#[derive(Debug, Default)]
pub(super) struct Timer {
    alarms: Mutex<BinaryHeap<Reverse<Alarm>>>,
    sooner: Notify,
}

impl Timer {
    /// Wakes `workspace` at `at`. Earlier wishes of the same workspace stay; it ignores the ones that are void.
    pub(super) fn set(&self, at: Timestamp, workspace: &Arc<Workspace>) {
        let mut alarms = self.lock();
        let is_first = alarms.peek().is_none_or(|Reverse(Alarm(first, _))| at < *first);
        alarms.push(Reverse(Alarm(at, Arc::downgrade(workspace))));
        drop(alarms);
        if is_first {
            self.sooner.notify_one();
        }
    }

    fn next_due(&self, now: Timestamp) -> Option<Weak<Workspace>> {
        let mut alarms = self.lock();
        if alarms.peek().is_some_and(|Reverse(Alarm(at, _))| *at <= now) {
            return alarms.pop().map(|Reverse(Alarm(_, workspace))| workspace);
        }
        None
    }

    fn sleep(&self, now: Timestamp) -> Duration {
        let first = self.lock().peek().map(|Reverse(Alarm(at, _))| *at);
        first.map_or(LONGEST, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST))
    }

    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Alarm>>> {
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
