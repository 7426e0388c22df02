//! One timer for all workspaces, with one alarm for each. Nothing polls. It does not know what it wakes.

use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// The longest sleep: after it the clock is read again, which may have a new anchor.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The alarms, and the way to move the first one forward.
#[derive(Debug)]
pub(super) struct Timer<T> {
    alarms: Mutex<Alarms<T>>,
    sooner: Notify,
}

/// One alarm a target. A target is known by its address, which is unique while its alarm holds a weak pointer to it.
#[derive(Debug)]
struct Alarms<T> {
    in_order: BTreeMap<(Timestamp, usize), Weak<T>>,
    by_target: HashMap<usize, Timestamp>,
}

impl<T> Alarms<T> {
    fn first(&self) -> Option<Timestamp> {
        self.in_order.first_key_value().map(|((at, _), _)| *at)
    }

    fn put(&mut self, at: Timestamp, target: &Arc<T>) {
        let address = Arc::as_ptr(target).addr();
        if let Some(before) = self.by_target.insert(address, at) {
            self.in_order.remove(&(before, address));
        }
        self.in_order.insert((at, address), Arc::downgrade(target));
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Weak<T>> {
        let first = self.in_order.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, address), target) = first.remove_entry();
        self.by_target.remove(&address);
        Some(target)
    }
}

impl<T> Timer<T> {
    /// A timer without alarms.
    pub(super) fn new() -> Self {
        let alarms = Alarms { in_order: BTreeMap::new(), by_target: HashMap::new() };
        Self { alarms: Mutex::new(alarms), sooner: Notify::new() }
    }

    /// Wakes `target` at `at`, and not at the instant that was set before.
    pub(super) fn set(&self, at: Timestamp, target: &Arc<T>) {
        let mut alarms = self.lock();
        let is_first = alarms.first().is_none_or(|first| at < first);
        alarms.put(at, target);
        drop(alarms);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// A target whose alarm is due, and takes the alarm out.
    fn next_due(&self, now: Timestamp) -> Option<Weak<T>> {
        self.lock().take_due(now)
    }

    /// Sleeps until the first alarm is due, a sooner one is set, or the clock is to be read again.
    async fn sleep(&self, now: Timestamp) {
        let first = self.lock().first();
        let sleep =
            first.map_or(LONGEST_SLEEP, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST_SLEEP));
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = self.sooner.notified() => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Alarms<T>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes targets as their alarms come due, until the timer is gone.
pub(super) async fn run<T>(timer: Weak<Timer<T>>, now: impl Fn() -> Timestamp, wake: impl Fn(&Arc<T>)) {
    while let Some(timer) = timer.upgrade() {
        while let Some(target) = timer.next_due(now()) {
            if let Some(target) = target.upgrade() {
                wake(&target);
            }
        }
        timer.sleep(now()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::time::Span;

    #[test]
    fn a_target_has_one_alarm_however_often_its_next_deadline_comes_nearer() {
        let (timer, target) = (Timer::new(), Arc::new(()));
        let far = Timestamp::ZERO + Span::from_secs(3_600);
        for seconds in (0..200).rev() {
            timer.set(far + Span::from_secs(seconds), &target);
        }
        assert!(timer.next_due(far - Span::from_secs(1)).is_none());
        assert!(timer.next_due(far).is_some());
        assert!(timer.next_due(Timestamp::MAX).is_none());
    }
}
