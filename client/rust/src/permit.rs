//! Permits handed out one by one, each with the lease that it came from, and what may become of them.

use crate::clock::{self, BootInstant};
use crate::lease::Lease;
use apportion_proto::v1::{Observation, Priority};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Where the permits of a lease are handed out, and what it is told of them.
pub(crate) trait Home: Debug + Send + Sync {
    /// A permit was not used.
    fn put_back(&self, stock: &Arc<Stock>);
    /// The provider throttles: what is held of this window is of no use.
    fn throttled(&self);
}

/// A lease whose permits are handed out one by one. It is settled for good when the last of them is dropped.
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) lease: Lease,
    home: Option<Weak<dyn Home>>,
    /// So few are left that more is to be asked for.
    low: AtomicU32,
}

impl Stock {
    pub(crate) fn new(lease: Lease, home: Option<Weak<dyn Home>>) -> Self {
        Self { lease, home, low: AtomicU32::new(0) }
    }

    /// Takes one permit if it has not ended: how many are left then.
    #[inline]
    pub(crate) fn take(self: &Arc<Self>, now: BootInstant) -> Option<(Permit, u32)> {
        let left = self.lease.held.take_one(now)?;
        Some((Permit(Arc::clone(self)), left))
    }

    /// Counts as low from half of what is left on.
    pub(crate) fn set_low(&self) {
        self.low.store(self.left() / 2, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_low(&self, left: u32) -> bool {
        left == 0 || left == self.low.load(Ordering::Relaxed)
    }

    pub(crate) fn left(&self) -> u32 {
        self.lease.held.left()
    }

    pub(crate) fn end(&self) -> BootInstant {
        self.lease.held.end()
    }
}

/// The right to hand one request on to the provider, now. Dropped, it counts as used; see [`Permit::put_back`].
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as used; put it back if nothing was sent"]
pub struct Permit(Arc<Stock>);

impl Permit {
    /// The only permit of a lease; none if it has ended or is used up.
    pub(crate) fn of(lease: Lease) -> Option<Self> {
        let stock = Arc::new(Stock::new(lease, None));
        stock.take(clock::now()).map(|(permit, _)| permit)
    }

    /// A permit that was taken off the stock before.
    pub(crate) fn taken(stock: &Arc<Stock>) -> Self {
        Self(Arc::clone(stock))
    }

    /// How long the request may still be handed on. Nothing: put the permit back, and take another one.
    pub fn valid_for(&self) -> Duration {
        self.0.lease.valid_for()
    }

    /// The priority that it was served at: lower than asked for where the team may not have more.
    pub fn priority(&self) -> Priority {
        self.0.lease.priority()
    }

    /// Tells the service what the provider's response said; see [`crate::headers::observe`]. Sent with the lease's report,
    /// at once where the provider throttled. Then nothing else that a prefetch holds is used any more either.
    pub fn observe(&self, observation: Observation) {
        let throttled = observation.throttled;
        self.0.lease.observe(observation);
        if throttled && let Some(home) = self.home() {
            home.throttled();
        }
    }

    /// Gives the permit back: the request was certainly never sent. Whoever waits for one here gets it, or everybody.
    pub fn put_back(self) {
        match self.home() {
            Some(home) => home.put_back(&self.0),
            None => self.0.lease.put_back(),
        }
    }

    /// Gives the permit back to its lease, whoever waits.
    pub(crate) fn undo(self) {
        self.0.lease.put_back();
    }

    pub(crate) fn is_ended(&self, now: BootInstant) -> bool {
        now >= self.0.end()
    }

    fn home(&self) -> Option<Arc<dyn Home>> {
        self.0.home.as_ref().and_then(Weak::upgrade)
    }
}
