//! Permits that are taken one by one from a shared lease.

use crate::clock::{self, BootInstant};
use crate::interpreter::Interpreter;
use crate::lease::Lease;
use crate::signals::{Interpret, ProviderResponse};
use apportion_proto::v1::{Observation, Priority};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What hands out the permits of shared leases.
pub(crate) trait Dispenser: Debug + Send + Sync {
    /// Takes back a permit that was not used.
    fn put_back(&self, lease: &Arc<SharedLease>);
    /// Stops using the held permits, because the provider throttles.
    fn throttled(&self);
}

/// A lease whose permits are handed out one by one. It is settled when the last of them is dropped.
#[derive(Debug)]
pub(crate) struct SharedLease {
    pub(crate) lease: Lease,
    dispenser: Option<Weak<dyn Dispenser>>,
    /// The number of permits left at which a refill is due.
    low_mark: AtomicU32,
}

impl SharedLease {
    pub(crate) fn new(lease: Lease, dispenser: Option<Weak<dyn Dispenser>>) -> Self {
        Self { lease, dispenser, low_mark: AtomicU32::new(0) }
    }

    /// Takes one permit unless the lease has ended, and returns it with the number of permits left.
    #[inline]
    pub(crate) fn take(self: &Arc<Self>, now: BootInstant) -> Option<(Permit, u32)> {
        let left = self.lease.pool().take_one(now)?;
        Some((Permit(Arc::clone(self)), left))
    }

    /// Makes a refill due when a third of the permits that are left now is left.
    pub(crate) fn set_low_mark(&self) {
        self.low_mark.store(self.left() / 3, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_low(&self, left: u32) -> bool {
        left == 0 || left == self.low_mark.load(Ordering::Relaxed)
    }

    pub(crate) fn left(&self) -> u32 {
        self.lease.pool().left()
    }

    pub(crate) fn end(&self) -> BootInstant {
        self.lease.pool().end()
    }
}

/// The right to send one request to the provider, now.
///
/// A permit counts as used when it is dropped. [`put_back`](Self::put_back) returns one that was not used.
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as used; put it back if nothing was sent"]
pub struct Permit(Arc<SharedLease>);

impl Permit {
    /// Takes the only permit of a lease; none if the lease has ended or is used up.
    pub(crate) fn only(lease: Lease) -> Option<Self> {
        let lease = Arc::new(SharedLease::new(lease, None));
        lease.take(clock::now()).map(|(permit, _)| permit)
    }

    /// Stands for a permit that was taken from the lease before.
    pub(crate) fn already_taken(lease: &Arc<SharedLease>) -> Self {
        Self(Arc::clone(lease))
    }

    /// Returns how long the request may still be sent. If 0, put the permit back and take another one.
    pub fn valid_for(&self) -> Duration {
        self.0.lease.valid_for()
    }

    /// Returns the priority that the permit was granted at. It may be lower than requested.
    pub fn priority(&self) -> Priority {
        self.0.lease.priority()
    }

    /// Reports what the response of the provider says, by the signals of the workspace. See [`observe`](Self::observe).
    pub fn observe_response(&self, response: &ProviderResponse<'_>) {
        let observations = self.interpreter().observations(response);
        observations.into_iter().for_each(|observation| self.observe(observation));
    }

    pub(crate) fn interpreter(&self) -> &Interpreter {
        self.0.lease.interpreter()
    }

    /// Reports an observation that was made by hand. [`observe_response`](Self::observe_response) reads it from a response.
    ///
    /// The observation is sent with the report of the lease. A throttle is sent at once, and a [`Prefetch`](crate::Prefetch) then
    /// stops using the other permits that it holds.
    pub fn observe(&self, observation: Observation) {
        let is_throttled = observation.throttled;
        self.0.lease.observe(observation);
        if is_throttled && let Some(dispenser) = self.dispenser() {
            dispenser.throttled();
        }
    }

    /// Returns the permit of a request that was certainly not sent. It goes to the next caller that waits at the same
    /// [`Prefetch`](crate::Prefetch), or back to the server.
    pub fn put_back(self) {
        match self.dispenser() {
            Some(dispenser) => dispenser.put_back(&self.0),
            None => self.0.lease.put_back(),
        }
    }

    /// Puts the permit back into its lease, without offering it to a waiting caller.
    pub(crate) fn put_back_into_lease(self) {
        self.0.lease.put_back();
    }

    pub(crate) fn is_expired(&self, now: BootInstant) -> bool {
        now >= self.0.end()
    }

    fn dispenser(&self) -> Option<Arc<dyn Dispenser>> {
        self.0.dispenser.as_ref().and_then(Weak::upgrade)
    }
}
