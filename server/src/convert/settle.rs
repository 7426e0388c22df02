//! Reports of what leases were used for, alone and in batches, and what came of them.

use super::field::{FieldError, count, name_or, permits, text};
use super::lease::DEFAULT_NAME;
use super::observation::Reported;
use apportion_core::allocator::Settled;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_proto::v1;

/// The longest id of a lease, in bytes.
pub(crate) const LEASE_ID_LONGEST: usize = 128;
/// Most observations of one settle.
pub(crate) const OBSERVATIONS_MAX: usize = 64;
/// Most settles of one batch.
pub(crate) const BATCH_MAX: usize = 1000;

/// A checked report of what a lease was used for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settle {
    /// The workspace that the lease is of.
    pub workspace: WorkspaceId,
    /// The team that it was granted to.
    pub team: TeamId,
    /// The caller that it was granted to.
    pub caller: CallerId,
    /// What the client calls the lease: printable ASCII. Whether there is such a lease is for the engine to say.
    pub lease_id: String,
    /// Permits whose requests were handed on, all told.
    pub used: Permits,
    /// Permits that will not be used, all told.
    pub returned: Permits,
    /// Whether this is the last report.
    pub is_final: bool,
    /// What responses under the lease said, at most [`OBSERVATIONS_MAX`].
    pub observations: Vec<Reported>,
}

impl TryFrom<&v1::SettleLeaseRequest> for Settle {
    type Error = FieldError;

    fn try_from(request: &v1::SettleLeaseRequest) -> Result<Self, FieldError> {
        count("observations", request.observations.len(), 0, OBSERVATIONS_MAX)?;
        let observations = request.observations.iter().enumerate().map(|(place, wire)| {
            Reported::try_from(wire).map_err(|error| error.under(&format!("observations[{place}]")))
        });
        Ok(Self {
            workspace: name_or("workspace", &request.workspace, DEFAULT_NAME)?,
            team: name_or("team", &request.team, DEFAULT_NAME)?,
            caller: name_or("caller", &request.caller, DEFAULT_NAME)?,
            lease_id: lease_id(&request.lease_id)?,
            used: permits("used_permits", request.used_permits, Permits::ZERO, Permits::MAX)?,
            returned: permits("returned_permits", request.returned_permits, Permits::ZERO, Permits::MAX)?,
            is_final: request.is_final,
            observations: observations.collect::<Result<_, _>>()?,
        })
    }
}

fn lease_id(id: &str) -> Result<String, FieldError> {
    if id.is_empty() {
        return Err(FieldError::missing("lease_id"));
    }
    text("lease_id", id, LEASE_ID_LONGEST)?;
    match id.chars().find(|c| !c.is_ascii_graphic()) {
        Some(c) => Err(FieldError::new("lease_id", format!("{c:?} is not allowed, only printable ASCII is"))),
        None => Ok(id.into()),
    }
}

/// The settles of a batch, each checked on its own, in order. Paths of faults start at the single settle.
///
/// # Errors
/// [`FieldError`] where the batch as a whole is empty or too large.
pub(crate) fn batch(
    request: &v1::BatchSettleLeasesRequest,
) -> Result<Vec<Result<Settle, FieldError>>, FieldError> {
    count("requests", request.requests.len(), 1, BATCH_MAX)?;
    Ok(request.requests.iter().map(Settle::try_from).collect())
}

/// What came of a settle, as it goes over the wire.
pub(crate) fn settled(settled: Settled) -> v1::Settled {
    v1::Settled {
        returned_permits: settled.returned.get(),
        accepted_permits: settled.accepted.get(),
        open: settled.is_open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> v1::SettleLeaseRequest {
        v1::SettleLeaseRequest { lease_id: "a".into(), ..Default::default() }
    }

    fn refused(request: &v1::SettleLeaseRequest) -> String {
        Settle::try_from(request).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_settle_with_a_lease_id_alone_reports_nothing_for_default() {
        let settle = Settle::try_from(&request()).expect("it is allowed");
        assert_eq!((settle.workspace.as_str(), settle.team.as_str()), ("default", "default"));
        assert_eq!((settle.used, settle.returned, settle.is_final), (Permits::ZERO, Permits::ZERO, false));
    }

    #[test]
    fn a_lease_id_is_there_short_and_printable() {
        assert_eq!(refused(&v1::SettleLeaseRequest::default()), "lease_id: must not be absent");
        let long = v1::SettleLeaseRequest { lease_id: "a".repeat(129), ..request() };
        assert_eq!(refused(&long), "lease_id: 129 bytes are too long, at most 128");
        let odd = v1::SettleLeaseRequest { lease_id: "a\n".into(), ..request() };
        assert_eq!(refused(&odd), "lease_id: '\\n' is not allowed, only printable ASCII is");
    }

    #[test]
    fn a_fault_in_an_observation_names_its_place() {
        let odd = v1::Observation { status: 99, ..Default::default() };
        let request = v1::SettleLeaseRequest { observations: vec![Default::default(), odd], ..request() };
        assert_eq!(
            refused(&request),
            "observations[1].status: 99 is out of range, allowed is from 100 to 599"
        );
        let request = v1::SettleLeaseRequest { observations: vec![Default::default(); 65], ..request };
        assert_eq!(refused(&request), "observations: 65 elements, allowed are 0 to 64");
    }

    #[test]
    fn a_fault_in_one_settle_of_a_batch_leaves_the_others_alone() {
        let requests = vec![request(), v1::SettleLeaseRequest::default()];
        let checked = batch(&v1::BatchSettleLeasesRequest { requests }).expect("neither empty nor too large");
        assert_eq!(checked.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
        for many in [0, BATCH_MAX + 1] {
            assert!(batch(&v1::BatchSettleLeasesRequest { requests: vec![request(); many] }).is_err());
        }
    }
}
