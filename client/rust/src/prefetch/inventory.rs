//! The leases that a prefetch holds, and how fast their permits are taken. Knows neither the waiting callers nor the server.

use super::demand::RecentDemand;
use crate::clock::BootInstant;
use crate::permit::{Permit, SharedLease};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Permits that expire this soon are returned while others can still use them.
const EXPIRY_MARGIN: Duration = Duration::from_millis(100);

/// A held lease, with how many of its permits are recorded as taken, and how many were returned.
#[derive(Debug)]
struct BufferedLease {
    lease: Arc<SharedLease>,
    recorded: u32,
    returned: u32,
}

/// The held leases, oldest first.
///
/// Permits may be taken from a lease without notice, so [`record_takes`](Self::record_takes) compares counts.
#[derive(Debug)]
pub(super) struct Inventory {
    leases: VecDeque<BufferedLease>,
    demand: RecentDemand,
    /// When a permit was last taken or wanted. Of a permit that was taken without notice, it is the earliest possible time.
    last_used: BootInstant,
    /// When takes were last recorded.
    recorded_at: BootInstant,
}

impl Inventory {
    pub(super) fn new() -> Self {
        let start = BootInstant::from_nanos(0);
        Self {
            leases: VecDeque::new(),
            demand: RecentDemand::default(),
            last_used: start,
            recorded_at: start,
        }
    }

    /// The lease to take permits from next.
    pub(super) fn front(&self) -> Option<&Arc<SharedLease>> {
        self.leases.front().map(|held| &held.lease)
    }

    /// The number of permits held.
    pub(super) fn permits(&self) -> u32 {
        self.leases.iter().map(|held| held.lease.left()).sum()
    }

    pub(super) fn contains(&self, lease: &Arc<SharedLease>) -> bool {
        self.leases.iter().any(|held| Arc::ptr_eq(&held.lease, lease))
    }

    /// The permits that will be taken within `horizon` at the recent rate.
    pub(super) fn forecast(&mut self, now: BootInstant, horizon: Duration) -> u32 {
        self.demand.forecast(now, horizon)
    }

    pub(super) fn take(&mut self, now: BootInstant) -> Option<Permit> {
        self.record_takes(now);
        self.leases.iter().find_map(|held| held.lease.take(now)).map(|(permit, _)| permit)
    }

    /// Adds a lease, and returns all but `keep` of its remaining permits to the server.
    pub(super) fn add(&mut self, now: BootInstant, lease: Arc<SharedLease>, keep: u32) {
        let left = lease.left();
        let returned = if keep < left { lease.lease.return_up_to(left - keep) } else { 0 };
        lease.set_low_mark();
        self.leases.push_back(BufferedLease { lease, recorded: 0, returned });
        self.record_takes(now);
    }

    /// Records the permits taken since the last call as demand, and drops leases that are empty or have ended.
    pub(super) fn record_takes(&mut self, now: BootInstant) {
        let mut taken = 0;
        for BufferedLease { lease, recorded, returned } in &mut self.leases {
            let total = lease.lease.pool().permits().saturating_sub(lease.left() + *returned);
            taken += total.saturating_sub(*recorded);
            *recorded = total;
        }
        if taken > 0 {
            self.demand.record(now, taken);
            self.last_used = self.last_used.max(self.recorded_at);
        }
        self.recorded_at = now;
        self.leases.retain(|held| held.lease.left() > 0 && now < held.lease.end());
    }

    /// Notes that a permit was taken or wanted now.
    pub(super) fn touch(&mut self, now: BootInstant) {
        self.last_used = now;
    }

    /// Whether nothing was taken or wanted for `timeout`.
    pub(super) fn is_idle(&self, now: BootInstant, timeout: Duration) -> bool {
        now >= self.last_used.after(timeout)
    }

    /// Returns the leases that are about to expire.
    pub(super) fn return_expiring(&mut self, now: BootInstant) {
        let end = now.after(EXPIRY_MARGIN);
        self.leases.retain(|held| {
            let is_expiring = held.lease.end() <= end;
            if is_expiring {
                held.lease.lease.return_all();
            }
            !is_expiring
        });
    }

    /// Returns up to `max` permits, of the newest leases first.
    pub(super) fn return_up_to(&mut self, mut max: u32) {
        for held in self.leases.iter_mut().rev() {
            let returned = held.lease.lease.return_up_to(max);
            held.returned += returned;
            held.lease.set_low_mark();
            max -= returned;
        }
    }

    /// Returns everything.
    pub(super) fn return_all(&mut self) {
        self.leases.drain(..).for_each(|held| held.lease.lease.return_all());
    }

    /// Spends everything.
    pub(super) fn spend_all(&mut self) {
        self.leases.drain(..).for_each(|held| held.lease.lease.spend());
    }
}
