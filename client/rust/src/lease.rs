//! A lease in hand: permits to take until it ends, and what goes back when it is dropped.

use crate::clock::{self, BootInstant};
use crate::held::Held;
use crate::settle::{Heard, Report, Settles};
use apportion_proto::v1::{Observation, Priority, SettleLeaseRequest};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Most observations of one report: what the contract allows.
const OBSERVATIONS_MAX: usize = 64;

/// Permits to hand requests on to the provider. Dropped, what was not taken goes back, for others in the same window.
#[derive(Debug)]
#[must_use = "a lease that is dropped at once goes back unused"]
pub struct Lease {
    pub(crate) held: Held,
    pub(crate) end: BootInstant,
    pub(crate) priority: Priority,
    pub(crate) contended: bool,
    /// Whom it was granted to and what it is called there; none: the client granted it by itself.
    pub(crate) origin: Option<Origin>,
    pub(crate) heard: Mutex<Vec<Heard>>,
}

/// Where a lease came from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) settles: Settles,
    pub(crate) workspace: String,
    pub(crate) team: String,
    pub(crate) caller: String,
    pub(crate) lease_id: String,
}

impl Lease {
    /// Takes one permit: true means that one request may be handed on now. False: none is left, or the lease has ended. Call
    /// it as late as possible, once for each attempt on the wire.
    #[must_use = "without a permit nothing may be sent"]
    pub fn take(&self) -> bool {
        self.held.take(clock::now())
    }

    /// Permits that can still be taken, if the lease has not ended.
    pub fn left(&self) -> u32 {
        self.held.left()
    }

    /// How long permits can still be taken.
    pub fn valid_for(&self) -> Duration {
        Duration::from_nanos(self.end.nanos().saturating_sub(clock::now().nanos()))
    }

    /// The priority that it was served at: lower than asked for where the team may not have more.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Whether others wait: take only what is needed now.
    pub fn is_contended(&self) -> bool {
        self.contended
    }

    /// Tells the service what a response of the provider said; see [`crate::headers::observe`]. Sent when the lease is dropped,
    /// at once where the provider throttled, or when so many have gathered as one report may hold.
    pub fn observe(&self, observation: Observation) {
        let urgent = observation.throttled;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Heard { observation, at: clock::now() });
        if urgent || heard.len() >= OBSERVATIONS_MAX {
            let heard = std::mem::take(&mut *heard);
            self.report(heard, 0, false);
        }
    }

    fn report(&self, heard: Vec<Heard>, returned: u32, is_final: bool) {
        let Some(origin) = &self.origin else { return };
        let used = self.held.permits() - self.held.left() - returned;
        let request = SettleLeaseRequest {
            workspace: origin.workspace.clone(),
            team: origin.team.clone(),
            caller: origin.caller.clone(),
            lease_id: origin.lease_id.clone(),
            used_permits: used,
            returned_permits: returned,
            is_final,
            observations: Vec::new(),
        };
        origin.settles.report(Report { request, heard });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let heard = std::mem::take(self.heard.get_mut().unwrap_or_else(PoisonError::into_inner));
        let returned = self.held.close();
        self.report(heard, returned, true);
    }
}
