//! A granted lease: its permits until it ends, and the report of how they were used.

use crate::clock::{self, BootInstant, lease_end};
use crate::config::Config;
use crate::error::AcquireError;
use crate::fallback::ShareGrant;
use crate::interpreter::Interpreter;
use crate::observation::TimedObservation;
use crate::pool::PermitPool;
use crate::settle::{LeaseReport, ReportSender, Urgency, WAITING_OBSERVATIONS_MAX};
use crate::signals::{Interpret, ProviderResponse};
use apportion_proto::v1::{self, Observation, Priority, SettleLeaseRequest};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an observation may wait for the next report of its lease.
const OBSERVATION_WAIT: Duration = Duration::from_millis(500);

/// A number of permits that are valid until the lease ends. See the [crate documentation](crate).
///
/// Dropping the lease reports how it was used. Permits that were not taken are returned and granted to others in the same window.
#[derive(Debug)]
#[must_use = "a lease that is dropped at once is returned unused"]
pub struct Lease {
    pool: PermitPool,
    priority: Priority,
    is_contended: bool,
    origin: LeaseOrigin,
    interpreter: Arc<Interpreter>,
    usage: Mutex<LeaseUsage>,
}

/// Who granted a lease, and is told how it was used.
#[derive(Debug)]
enum LeaseOrigin {
    /// A server: the queue of its reports, whom the lease was granted to, and its id.
    Server { reports: ReportSender, config: Arc<Config>, lease_id: String },
    /// The client's own share.
    Share(ShareGrant),
    /// Nobody.
    #[cfg(test)]
    Nobody,
}

/// Cumulative counts of permits that were not used, and the observations since the last report.
#[derive(Debug, Default)]
struct LeaseUsage {
    returned: u32,
    spent: u32,
    observations: Vec<TimedObservation>,
}

/// What a report says about the permits that were taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReportKind {
    /// Nothing: they may still be put back, and a permit that was reported as used cannot be returned.
    Returned,
    /// They are used so far.
    Used,
    /// They are used, and no report follows.
    Final,
}

impl Lease {
    /// Creates a lease from the server's response to an attempt that was sent at `sent`.
    ///
    /// # Errors
    /// [`AcquireError::InvalidResponse`] if a duration is negative.
    pub(crate) fn granted(
        lease: v1::Lease,
        sent: BootInstant,
        reports: ReportSender,
        config: Arc<Config>,
        interpreter: Arc<Interpreter>,
    ) -> Result<Self, AcquireError> {
        let span = |span: Option<prost_types::Duration>| span.map_or(Ok(Duration::ZERO), Duration::try_from);
        let (held, valid_for) = span(lease.held)
            .and_then(|held| Ok((held, span(lease.valid_for)?)))
            .map_err(|_| AcquireError::InvalidResponse("a negative duration"))?;
        Ok(Self {
            pool: PermitPool::new(lease.permits, lease_end(sent, held, valid_for)),
            priority: lease.priority(),
            is_contended: lease.contended,
            origin: LeaseOrigin::Server { reports, config, lease_id: lease.lease_id },
            interpreter,
            usage: Mutex::default(),
        })
    }

    /// Creates a lease of the client's own share. It counts as contended, because what is not needed now is needed later.
    pub(crate) fn of_share(grant: ShareGrant, priority: Priority, interpreter: Arc<Interpreter>) -> Self {
        let pool = PermitPool::new(grant.permits, grant.end);
        let origin = LeaseOrigin::Share(grant);
        Self { pool, priority, is_contended: true, origin, interpreter, usage: Mutex::default() }
    }

    /// Creates a lease whose use is reported to nobody.
    #[cfg(test)]
    pub(crate) fn of_nobody(permits: u32, end: BootInstant, is_contended: bool) -> Self {
        let (pool, priority) = (PermitPool::new(permits, end), Priority::Default);
        let (origin, interpreter) = (LeaseOrigin::Nobody, Arc::new(Interpreter::new(None)));
        Self { pool, priority, is_contended, origin, interpreter, usage: Mutex::default() }
    }

    #[inline]
    pub(crate) fn pool(&self) -> &PermitPool {
        &self.pool
    }

    /// Takes one permit. Returns true if one request may be sent now, and false if no permit is left or the lease has ended.
    ///
    /// Call it as late as possible, once for each attempt on the wire. Lock-free.
    #[must_use = "without a permit nothing may be sent"]
    pub fn take(&self) -> bool {
        self.pool.take(clock::now())
    }

    /// Returns the number of permits that are not taken yet, whether or not the lease has ended.
    pub fn left(&self) -> u32 {
        self.pool.left()
    }

    /// Returns how long permits can still be taken. 0 if the lease has ended.
    pub fn valid_for(&self) -> Duration {
        Duration::from_nanos(self.pool.end().nanos().saturating_sub(clock::now().nanos()))
    }

    /// Returns the priority that the request was served at. It may be lower than requested.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns whether other requests were waiting at the server. If so, request only what is needed now.
    pub fn is_contended(&self) -> bool {
        self.is_contended
    }

    /// Reports what a response of the provider says, by the signals of the workspace. See [`observe`](Self::observe).
    pub fn observe_response(&self, response: &ProviderResponse<'_>) {
        self.interpreter.observations(response).into_iter().for_each(|observation| self.observe(observation));
    }

    pub(crate) fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    /// Reports an observation that was made by hand. [`observe_response`](Self::observe_response) reads it from a response.
    ///
    /// A throttle is sent at once. Other observations are sent when the lease is dropped, or with the first observation that comes
    /// half a second after them. What the API does not accept, such as a status of 999, is left out.
    pub fn observe(&self, observation: Observation) {
        let now = clock::now();
        let Some(observed) = TimedObservation::new(observation, now) else { return };
        let is_throttled = observed.is_throttled();
        let mut usage = self.usage();
        usage.observations.push(observed);
        let is_old = now >= usage.observations[0].received_at().after(OBSERVATION_WAIT);
        if is_throttled {
            self.report(&mut usage, ReportKind::Used, Urgency::Throttle);
        } else if is_old || usage.observations.len() >= WAITING_OBSERVATIONS_MAX {
            self.report(&mut usage, ReportKind::Used, Urgency::Usual);
        }
    }

    /// Puts back a permit that was taken and not used. Returns it to the server if the other permits were returned before.
    pub(crate) fn put_back(&self) {
        let mut usage = self.usage();
        let returned = u32::from(!self.pool.put_back());
        self.report_returned(&mut usage, returned);
    }

    /// Returns up to `max` permits that were not taken to the server, at once. The result is how many.
    pub(crate) fn return_up_to(&self, max: u32) -> u32 {
        let mut usage = self.usage();
        let returned = self.pool.remove(max);
        self.report_returned(&mut usage, returned);
        returned
    }

    /// Returns all permits that were not taken to the server, at once. Permits that were taken can still be put back.
    pub(crate) fn return_all(&self) {
        let mut usage = self.usage();
        let returned = self.pool.close();
        self.report_returned(&mut usage, returned);
    }

    /// Spends all permits that were not taken: in a window in which the provider throttles they are useless to anyone.
    pub(crate) fn spend(&self) {
        let mut usage = self.usage();
        usage.spent += self.pool.close();
    }

    fn report_returned(&self, usage: &mut LeaseUsage, returned: u32) {
        if returned > 0 {
            usage.returned += returned;
            if let LeaseOrigin::Share(grant) = &self.origin {
                grant.give_back(returned);
            }
            self.report(usage, ReportKind::Returned, Urgency::Returns);
        }
    }

    fn usage(&self) -> MutexGuard<'_, LeaseUsage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a report. Counts are cumulative, so reports must be queued in the order of counting: under the lock of the usage.
    fn report(&self, usage: &mut LeaseUsage, kind: ReportKind, urgency: Urgency) {
        let observations = std::mem::take(&mut usage.observations);
        let LeaseOrigin::Server { reports, config, lease_id } = &self.origin else { return };
        let unused = self.pool.left() + usage.returned + usage.spent;
        let taken = self.pool.permits().saturating_sub(unused);
        let request = SettleLeaseRequest {
            workspace: config.workspace.clone(),
            team: config.team.clone(),
            caller: config.caller.clone(),
            lease_id: lease_id.clone(),
            used_permits: if kind == ReportKind::Returned { 0 } else { taken },
            returned_permits: usage.returned,
            is_final: kind == ReportKind::Final,
            observations: Vec::new(),
        };
        reports.report(LeaseReport { request, observations, lease_end: self.pool.end() }, urgency);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut usage = std::mem::take(self.usage.get_mut().unwrap_or_else(PoisonError::into_inner));
        let returned = self.pool.close();
        usage.returned += returned;
        if let LeaseOrigin::Share(grant) = &self.origin {
            grant.give_back(returned);
        }
        let urgency = if returned > 0 { Urgency::Returns } else { Urgency::Usual };
        self.report(&mut usage, ReportKind::Final, urgency);
    }
}
