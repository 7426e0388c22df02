//! Reports of what leases were used for, alone and in batches, and their results.

use super::field::{count, name_or, permits, text};
use super::lease::DEFAULT_NAME;
use super::recent::RecentNames;
use crate::engine::{LeaseReport, ReportedObservation};
use crate::error::FieldError;
use apportion_core::allocator::Settled;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_proto::v1;

/// The longest id of a lease, in bytes.
pub(crate) const LEASE_ID_LONGEST: usize = 128;
/// Most observations of one report.
pub(crate) const OBSERVATIONS_MAX: usize = 64;
/// Most reports of one batch.
pub(crate) const BATCH_MAX: usize = 1000;

impl<'a> LeaseReport<'a> {
    /// Checks the next report of a stream.
    ///
    /// # Errors
    /// [`FieldError`] of the first field at fault.
    pub fn next(request: &'a v1::SettleLeaseRequest, recent: &mut RecentNames) -> Result<Self, FieldError> {
        let workspace = recent.workspaces.name_or("workspace", &request.workspace, DEFAULT_NAME);
        let team = recent.teams.name_or("team", &request.team, DEFAULT_NAME);
        let caller = recent.callers.name_or("caller", &request.caller, DEFAULT_NAME);
        Self::checked(request, || Ok((workspace?, team?, caller?)))
    }

    fn checked(
        request: &'a v1::SettleLeaseRequest,
        names: impl FnOnce() -> Result<(WorkspaceId, TeamId, CallerId), FieldError>,
    ) -> Result<Self, FieldError> {
        count("observations", request.observations.len(), 0, OBSERVATIONS_MAX)?;
        let observations = request.observations.iter().enumerate().map(|(place, wire)| {
            ReportedObservation::try_from(wire)
                .map_err(|error| error.under(&format!("observations[{place}]")))
        });
        let (workspace, team, caller) = names()?;
        Ok(Self {
            workspace,
            team,
            caller,
            lease_id: lease_id(&request.lease_id)?,
            used: permits("used_permits", request.used_permits, Permits::ZERO, Permits::MAX)?,
            returned: permits("returned_permits", request.returned_permits, Permits::ZERO, Permits::MAX)?,
            is_final: request.is_final,
            observations: observations.collect::<Result<_, _>>()?,
        })
    }
}

impl<'a> TryFrom<&'a v1::SettleLeaseRequest> for LeaseReport<'a> {
    type Error = FieldError;

    fn try_from(request: &'a v1::SettleLeaseRequest) -> Result<Self, FieldError> {
        Self::checked(request, || {
            Ok((
                name_or("workspace", &request.workspace, DEFAULT_NAME)?,
                name_or("team", &request.team, DEFAULT_NAME)?,
                name_or("caller", &request.caller, DEFAULT_NAME)?,
            ))
        })
    }
}

fn lease_id(id: &str) -> Result<&str, FieldError> {
    if id.is_empty() {
        return Err(FieldError::missing("lease_id"));
    }
    text("lease_id", id, LEASE_ID_LONGEST)?;
    match id.chars().find(|c| !c.is_ascii_graphic()) {
        Some(c) => Err(FieldError::new("lease_id", format!("{c:?} is not allowed, only printable ASCII is"))),
        None => Ok(id),
    }
}

/// The reports of a batch, each checked on its own, in order. Paths of faults start at the single report.
///
/// # Errors
/// [`FieldError`] where the batch as a whole is empty or too large.
pub(crate) fn batch(
    request: &v1::BatchSettleLeasesRequest,
) -> Result<Vec<Result<LeaseReport<'_>, FieldError>>, FieldError> {
    count("requests", request.requests.len(), 1, BATCH_MAX)?;
    Ok(request.requests.iter().map(LeaseReport::try_from).collect())
}

/// The result of a report, as it goes over the wire.
pub(crate) fn settled(settled: Settled) -> v1::Settled {
    v1::Settled {
        returned_permits: settled.returned.get(),
        accepted_permits: settled.accepted.get(),
        open: settled.is_open,
    }
}

/// The result of one report of a batch.
pub(crate) fn outcome(outcome: Result<v1::Settled, v1::Refusal>) -> v1::SettleOutcome {
    use v1::settle_outcome::Outcome;
    let outcome = match outcome {
        Ok(settled) => Outcome::Settled(settled),
        Err(refusal) => Outcome::Refusal(refusal),
    };
    v1::SettleOutcome { outcome: Some(outcome) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> v1::SettleLeaseRequest {
        v1::SettleLeaseRequest { lease_id: "a".into(), ..Default::default() }
    }

    fn refused(request: &v1::SettleLeaseRequest) -> String {
        LeaseReport::try_from(request).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_settle_with_a_lease_id_alone_reports_nothing_for_default() {
        let request = request();
        let report = LeaseReport::try_from(&request).expect("it is allowed");
        assert_eq!((report.workspace.as_str(), report.team.as_str()), ("default", "default"));
        assert_eq!((report.used, report.returned, report.is_final), (Permits::ZERO, Permits::ZERO, false));
    }

    #[test]
    fn a_lease_id_is_there_short_and_printable() {
        assert_eq!(refused(&v1::SettleLeaseRequest::default()), "lease_id: must not be absent");
        let long = v1::SettleLeaseRequest { lease_id: "a".repeat(129), ..request() };
        assert_eq!(refused(&long), "lease_id: must be at most 128 bytes, got 129");
        let odd = v1::SettleLeaseRequest { lease_id: "a\n".into(), ..request() };
        assert_eq!(refused(&odd), "lease_id: '\\n' is not allowed, only printable ASCII is");
    }

    #[test]
    fn a_fault_in_an_observation_names_its_place() {
        let odd = v1::Observation { status: 99, ..Default::default() };
        let request = v1::SettleLeaseRequest { observations: vec![Default::default(), odd], ..request() };
        assert_eq!(refused(&request), "observations[1].status: must be between 100 and 599, got 99");
        let request = v1::SettleLeaseRequest { observations: vec![Default::default(); 65], ..request };
        assert_eq!(refused(&request), "observations: must have between 0 and 64 elements, got 65");
    }

    #[test]
    fn a_fault_in_one_settle_of_a_batch_leaves_the_others_alone() {
        let requests = vec![request(), v1::SettleLeaseRequest::default()];
        let both = v1::BatchSettleLeasesRequest { requests };
        let checked = batch(&both).expect("neither empty nor too large");
        assert_eq!(checked.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
        for many in [0, BATCH_MAX + 1] {
            assert!(batch(&v1::BatchSettleLeasesRequest { requests: vec![request(); many] }).is_err());
        }
    }
}
