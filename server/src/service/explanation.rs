//! Explanations: what would become of a request, as it goes over the wire.

use super::authorize::{Action, Identity};
use super::gate;
use crate::convert::priority::wire_priority;
use crate::convert::time::{duration, timestamp};
use crate::engine::Acquire;
use crate::error::{Error, FieldError};
use crate::leases::{LeaseRouter, LeaseView};
use crate::status::ErrorScope;
use apportion_core::explanation::{
    Explanation, KeptPermits, LimitRoom, Obstacle, Prospect, Purpose, Rule, TeamRoom,
};
use apportion_core::permits::Permits;
use apportion_core::request::Refusal;
use apportion_core::time::Timestamp;
use apportion_proto::v1;

/// The request for a lease that an explanation is about.
///
/// # Errors
/// [`FieldError`] of the first field at fault.
pub(super) fn explained(request: &v1::ExplainLeaseRequest) -> Result<Acquire, FieldError> {
    let v1::ExplainLeaseRequest { workspace, team, caller, priority, permits, min_permits, max_wait } =
        request.clone();
    let request_id = String::new();
    Acquire::try_from(&v1::AcquireLeaseRequest {
        workspace,
        team,
        caller,
        priority,
        permits,
        min_permits,
        max_wait,
        request_id,
    })
}

/// Explains, if the caller may watch the workspace.
///
/// # Errors
/// [`Error::Field`], [`Error::PermissionDenied`], or as [`LeaseRouter::explain`].
pub(super) async fn explain(
    leases: &LeaseRouter,
    who: &Identity,
    request: &v1::ExplainLeaseRequest,
) -> Result<v1::LeaseExplanation, Error> {
    let acquire = explained(request)?;
    gate::check(who, Action::Read, Some(&acquire.workspace), &[])?;
    Ok(match leases.explain(&acquire, request).await? {
        LeaseView::Here(explanation) => wire_explanation(&explanation),
        LeaseView::There(explanation) => *explanation,
    })
}

/// An explanation on the wire.
pub(super) fn wire_explanation(explanation: &Explanation) -> v1::LeaseExplanation {
    let Explanation { now, obstacle, waiting, .. } = explanation;
    v1::LeaseExplanation {
        time: Some(timestamp(*now)),
        priority: explanation.priority.map_or(0, |c| wire_priority(c).into()),
        prospect: Some(wire_prospect(&explanation.prospect, *now)),
        prospect_without_deadline: Some(wire_prospect(&explanation.prospect_without_deadline, *now)),
        obstacle: obstacle.as_ref().map(|obstacle| wire_obstacle(obstacle, *now)),
        earliest_after: explanation.earliest.map(|at| duration(at.since(*now))),
        available_permits: explanation.available.get(),
        limits: explanation.limits.iter().map(|limit| wire_limit(limit, *now)).collect(),
        path: explanation.path.iter().map(wire_team).collect(),
        waiting_requests: waiting.requests,
        waiting_permits: waiting.permits,
        team_waiting_permits: waiting.permits_of_team,
    }
}

fn wire_prospect(prospect: &Prospect, now: Timestamp) -> v1::Prospect {
    use v1::prospect::Outcome;
    let after = |at: Timestamp| Some(duration(at.since(now)));
    let outcome = match prospect {
        Prospect::Granted { at, permits } => {
            Outcome::Granted(v1::ProspectiveGrant { after: after(*at), permits: permits.get() })
        }
        Prospect::Refused { at, refusal } => {
            let v1::Refusal { reason, message, retry_after, limit, .. } = wire_refusal(refusal, *at);
            Outcome::Refused(v1::ProspectiveRefusal {
                after: after(*at),
                reason,
                message,
                retry_after,
                limit,
            })
        }
        Prospect::Waits { until } => Outcome::Waits(v1::ProspectiveWait { longer_than: after(*until) }),
    };
    v1::Prospect { outcome: Some(outcome) }
}

/// A refusal in the words that a request would get.
fn wire_refusal(refusal: &Refusal, now: Timestamp) -> v1::Refusal {
    Error::Refused { refusal: refusal.clone(), now }.failure(&ErrorScope::default()).refusal()
}

fn wire_obstacle(obstacle: &Obstacle, now: Timestamp) -> v1::Obstacle {
    let Obstacle { rule, reason, limit } = obstacle;
    let refusal = Refusal { reason: *reason, retry_at: None, limit: limit.clone() };
    let v1::Refusal { reason, limit, .. } = wire_refusal(&refusal, now);
    v1::Obstacle { rule: wire_rule(*rule).into(), reason, limit }
}

fn wire_rule(rule: Rule) -> v1::Rule {
    match rule {
        Rule::Refused => v1::Rule::Refused,
        Rule::Cooldown => v1::Rule::Cooldown,
        Rule::Clock => v1::Rule::Clock,
        Rule::Cap => v1::Rule::Cap,
        Rule::Store => v1::Rule::Store,
        Rule::Edge => v1::Rule::Edge,
        Rule::NextWindow => v1::Rule::NextWindow,
        Rule::Budget => v1::Rule::Budget,
        Rule::Kept => v1::Rule::Kept,
        Rule::CallerQueue => v1::Rule::CallerQueue,
        Rule::Turn => v1::Rule::Turn,
    }
}

fn wire_limit(limit: &LimitRoom, now: Timestamp) -> v1::LimitRoom {
    v1::LimitRoom {
        limit: limit.id.to_string(),
        budget_permits: limit.budget.get(),
        left_permits: limit.left.get(),
        external_use_permits: limit.external_use.get(),
        kept: limit.kept.iter().map(wire_kept).collect(),
        open: limit.is_open,
        closes_after: Some(duration(limit.closes.since(now))),
        next_opens_after: Some(duration(limit.next_opens.since(now))),
    }
}

fn wire_kept(kept: &KeptPermits) -> v1::KeptPermits {
    let (purpose, team, priority) = match &kept.purpose {
        Purpose::Holdback(c) => (v1::Purpose::Holdback, String::new(), Some(*c)),
        Purpose::ExpectedDemand(team, c) => (v1::Purpose::ExpectedDemand, team.to_string(), Some(*c)),
        Purpose::Floors => (v1::Purpose::Floors, String::new(), None),
        Purpose::Reservations => (v1::Purpose::Reservations, String::new(), None),
    };
    let priority = priority.map_or(0, |c| wire_priority(c).into());
    v1::KeptPermits { purpose: purpose.into(), permits: kept.permits, team, priority }
}

fn wire_team(team: &TeamRoom) -> v1::TeamRoom {
    v1::TeamRoom {
        team: team.id.to_string(),
        granted_permits: team.granted.get(),
        cap_permits: team.cap.map(Permits::get),
        room_permits: team.room.map(Permits::get),
        reservation_permits: team.reservation.get(),
        owed: team.is_owed,
    }
}
