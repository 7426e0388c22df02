//! What a lease was used for and what the provider's responses said, as clients report it.

use crate::error::Error;
use apportion_core::ids::{CallerId, LimitId, TeamId, WorkspaceId};
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::request::LeaseId;
use apportion_core::time::{Span, Timestamp};

/// What a lease was used for so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseReport<'a> {
    /// The workspace of the lease.
    pub workspace: WorkspaceId,
    /// The team that it was granted to.
    pub team: TeamId,
    /// The caller that it was granted to.
    pub caller: CallerId,
    /// The client's name for the lease, in printable ASCII.
    pub lease_id: &'a str,
    /// Permits used so far, in total.
    pub used: Permits,
    /// Permits that will not be used, in total.
    pub returned: Permits,
    /// Whether this is the last report of the lease.
    pub is_final: bool,
    /// What responses under the lease said.
    pub observations: Vec<ReportedObservation>,
}

impl LeaseReport<'_> {
    /// The observations as the core takes them, for a report that came at `now`.
    ///
    /// # Errors
    /// [`Error::UnknownLimit`], with the index of the first observation whose limit the policy does not have.
    pub(super) fn observations(
        &self,
        policy: &Policy,
        lease: Option<LeaseId>,
        now: Timestamp,
    ) -> Result<Vec<Observation>, Error> {
        let resolve = |(index, reported): (usize, &ReportedObservation)| {
            let unknown = |limit| Error::UnknownLimit { index, limit };
            reported.resolve(policy, lease, now).map_err(unknown)
        };
        self.observations.iter().enumerate().map(resolve).collect()
    }
}

/// What one response of the provider said. Spans count from the response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportedObservation {
    /// The limit that it is about; `None` is the one with the shortest window.
    pub limit: Option<LimitId>,
    /// The budget of a window.
    pub permits: Option<Permits>,
    /// What is left of the window.
    pub remaining: Option<Permits>,
    /// When the window ends.
    pub reset: Option<ReportedReset>,
    /// How exact `reset` is.
    pub reset_precision: Span,
    /// Whether the provider throttled the request.
    pub is_throttled: bool,
    /// When the provider accepts requests again.
    pub retry_after: Option<Span>,
    /// How long before its report the response came.
    pub age: Span,
}

/// When a window ends, in the form in which the client read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportedReset {
    /// At an instant.
    At(Timestamp),
    /// So long after the response.
    After(Span),
}

impl ReportedObservation {
    /// The observation with its limit named and every span turned into an instant, for a report that came at `now`.
    ///
    /// # Errors
    /// The limit, where the policy does not have it.
    pub fn resolve(
        &self,
        policy: &Policy,
        lease: Option<LeaseId>,
        now: Timestamp,
    ) -> Result<Observation, LimitId> {
        let limit = self.limit.as_ref().unwrap_or(&policy.limits[policy.primary_limit()].id);
        if !policy.limits.iter().any(|known| known.id == *limit) {
            return Err(limit.clone());
        }
        let response_at = now - self.age;
        let at = |reset| match reset {
            ReportedReset::At(instant) => instant,
            ReportedReset::After(span) => response_at + span,
        };
        Ok(Observation {
            lease,
            permits: self.permits,
            remaining: self.remaining,
            reset: self.reset.map(|reset| Reset { at: at(reset), within: self.reset_precision }),
            throttled: self.is_throttled,
            retry_at: self.retry_after.map(|span| response_at + span),
            ..Observation::new(limit.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::policy::{LimitPolicy, Margins};

    fn policy() -> Policy {
        let limit = |id: &str, window| LimitPolicy {
            id: LimitId::new(id).expect("a name"),
            permits: Permits::ONE,
            window: Span::from_secs(window),
            phase: Span::ZERO,
            margins: Margins::DEFAULT,
        };
        Policy {
            limits: vec![limit("day", 86_400), limit("short", 10)],
            ..Policy::plain(limit("x", 1), vec![])
        }
    }

    fn silent() -> ReportedObservation {
        ReportedObservation {
            limit: None,
            permits: None,
            remaining: None,
            reset: None,
            reset_precision: Span::from_secs(1),
            is_throttled: false,
            retry_after: None,
            age: Span::ZERO,
        }
    }

    #[test]
    fn an_observation_that_names_no_limit_is_about_the_shortest() {
        let observed = silent().resolve(&policy(), None, Timestamp::ZERO).expect("the limit exists");
        assert_eq!(observed, Observation::new(LimitId::new("short").expect("a name")));
    }

    #[test]
    fn an_unknown_limit_is_reported_with_the_index_of_its_observation() {
        let week = LimitId::new("week").expect("a name");
        let name = "default";
        let report = LeaseReport {
            workspace: WorkspaceId::new(name).expect("a name"),
            team: TeamId::new(name).expect("a name"),
            caller: CallerId::new(name).expect("a name"),
            lease_id: "1-1-0",
            used: Permits::ZERO,
            returned: Permits::ZERO,
            is_final: false,
            observations: vec![silent(), ReportedObservation { limit: Some(week.clone()), ..silent() }],
        };
        let refused = report.observations(&policy(), None, Timestamp::ZERO);
        assert_eq!(refused, Err(Error::UnknownLimit { index: 1, limit: week }));
    }

    #[test]
    fn spans_count_from_the_response_and_not_from_its_report() {
        let reported = ReportedObservation {
            reset: Some(ReportedReset::After(Span::from_secs(7))),
            retry_after: Some(Span::from_secs(30)),
            age: Span::from_secs(2),
            ..silent()
        };
        let now = Timestamp::ZERO + Span::from_secs(100);
        let observed = reported.resolve(&policy(), None, now).expect("the limit exists");
        let reset = Reset { at: Timestamp::ZERO + Span::from_secs(105), within: Span::from_secs(1) };
        assert_eq!(observed.reset, Some(reset));
        assert_eq!(observed.retry_at, Some(Timestamp::ZERO + Span::from_secs(128)));
    }
}
