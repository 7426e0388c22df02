//! One report of how a lease was used.

use crate::clock::BootInstant;
use crate::observation::TimedObservation;
use apportion_proto::v1::{Observation, SettleLeaseRequest};
use std::time::Duration;

/// The most observations of one request, as the API allows.
const OBSERVATIONS_MAX: usize = 64;
/// The most observations that wait for one lease. Beyond, those go first that are no throttle.
pub(crate) const WAITING_OBSERVATIONS_MAX: usize = 1_024;
/// How long after its response a throttle is still reported, and any other observation.
const THROTTLE_LIFE: Duration = Duration::from_secs(60);
const OBSERVATION_LIFE: Duration = Duration::from_secs(10);

/// How soon a report must be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Urgency {
    /// It tells what was used.
    Usual,
    /// It returns permits, which others may wait for.
    Returns,
    /// It tells of a throttle.
    Throttle,
}

impl Urgency {
    /// How long a report waits for others, to be sent in one call with them.
    pub(super) fn linger(self) -> Duration {
        match self {
            Self::Usual => Duration::from_millis(50),
            Self::Returns => Duration::from_millis(20),
            Self::Throttle => Duration::ZERO,
        }
    }
}

/// A report of how one lease was used. The observations are added to the request when it is sent, with their age.
#[derive(Debug)]
pub(crate) struct LeaseReport {
    pub(crate) request: SettleLeaseRequest,
    pub(crate) observations: Vec<TimedObservation>,
    /// Until when returned permits are of use.
    pub(crate) lease_end: BootInstant,
}

impl LeaseReport {
    /// Takes in a later report of the same lease, whose counts include those of this one.
    pub(super) fn merge(&mut self, later: Self) {
        self.request = later.request;
        self.observations.extend(later.observations);
        self.cut_observations();
    }

    fn cut_observations(&mut self) {
        let mut excess = self.observations.len().saturating_sub(WAITING_OBSERVATIONS_MAX);
        self.observations.retain(|seen| {
            let is_cut = excess > 0 && !seen.is_throttled();
            excess -= usize::from(is_cut);
            !is_cut
        });
        self.observations.truncate(WAITING_OBSERVATIONS_MAX);
    }

    /// Whether it is of no use at `now`: nothing can be returned to the lease, and the observations are old.
    pub(super) fn is_useless(&self, now: BootInstant) -> bool {
        let is_old = |seen: &TimedObservation| {
            let life = if seen.is_throttled() { THROTTLE_LIFE } else { OBSERVATION_LIFE };
            now >= seen.received_at().after(life)
        };
        now >= self.lease_end && self.observations.iter().all(is_old)
    }

    /// The requests to send at `now`: the last one bears the counts, those before it more observations than fit into it.
    pub(super) fn requests(&self, now: BootInstant) -> Vec<SettleLeaseRequest> {
        let mut observations: Vec<Observation> =
            self.observations.iter().filter_map(|seen| seen.at(now)).collect();
        let mut requests = Vec::new();
        while observations.len() > OBSERVATIONS_MAX {
            let rest = observations.split_off(OBSERVATIONS_MAX);
            requests.push(SettleLeaseRequest { is_final: false, observations, ..self.request.clone() });
            observations = rest;
        }
        requests.push(SettleLeaseRequest { observations, ..self.request.clone() });
        requests
    }
}
