//! An explanation as lines for people.

use super::args::Args;
use super::words::{priority, reason, seconds};
use apportion_proto::v1;
use v1::prospect::Outcome;

/// The lines.
pub(super) fn lines(args: &Args, explanation: &v1::LeaseExplanation) -> Vec<String> {
    let served = match explanation.priority {
        0 => String::new(),
        c => format!(", {}", priority(c)),
    };
    let permits = count(u64::from(args.permits));
    let mut lines =
        vec![format!("{permits} for {}/{}, caller {}{served}", args.workspace, args.team, args.caller)];
    lines.push(format!("  {}", outcome(explanation.prospect.as_ref())));
    if let Some(obstacle) = &explanation.obstacle {
        lines.push(format!("  why not now: {}", why(obstacle)));
        lines.extend(later(explanation));
    }
    if explanation.priority != 0 {
        lines.push(format!("available to the team now: {}", explanation.available_permits));
    }
    explanation.limits.iter().for_each(|it| lines.extend(limit(it)));
    lines.extend(explanation.path.iter().map(team));
    if explanation.waiting_requests > 0 {
        let v1::LeaseExplanation { waiting_requests, waiting_permits, team_waiting_permits, .. } =
            explanation;
        lines.push(format!(
            "waiting: {waiting_requests} requests for {waiting_permits} permits, {team_waiting_permits} of them of this team"
        ));
    }
    lines
}

fn count(permits: u64) -> String {
    if permits == 1 { "1 permit".into() } else { format!("{permits} permits") }
}

fn after(duration: Option<&prost_types::Duration>) -> String {
    match seconds(duration) {
        0.0 => "now".into(),
        wait => format!("after {wait:.3} s"),
    }
}

fn outcome(prospect: Option<&v1::Prospect>) -> String {
    match prospect.and_then(|it| it.outcome.as_ref()) {
        Some(Outcome::Granted(grant)) => {
            format!("granted {}, {}", count(u64::from(grant.permits)), after(grant.after.as_ref()))
        }
        Some(Outcome::Refused(refusal)) => {
            let retry = refusal.retry_after.as_ref();
            let retry =
                retry.map(|it| format!("; retry {:.3} s later", seconds(Some(it)))).unwrap_or_default();
            let (when, reason) = (after(refusal.after.as_ref()), reason(refusal.reason));
            format!("refused {when}: {reason}: {}{retry}", refusal.message)
        }
        Some(Outcome::Waits(wait)) => {
            format!("waits for more than {:.3} s", seconds(wait.longer_than.as_ref()))
        }
        None => "the server is newer than this program: its answer is unknown".into(),
    }
}

fn why(obstacle: &v1::Obstacle) -> String {
    let text = match v1::Rule::try_from(obstacle.rule) {
        Ok(v1::Rule::Refused) => "it is refused on arrival",
        Ok(v1::Rule::Cooldown) => "the provider throttles or asked to wait",
        Ok(v1::Rule::Clock) => "the server's clock was wrong during this window",
        Ok(v1::Rule::Cap) => "the team, or a team above it, is at its cap",
        Ok(v1::Rule::Store) => "the server cannot reach its store",
        Ok(v1::Rule::Edge) => "the window is at its edge; the next one must open first",
        Ok(v1::Rule::NextWindow) => {
            "the window is at its edge, and the next one would not grant it when it opens"
        }
        Ok(v1::Rule::Budget) => "too little of the window is left",
        Ok(v1::Rule::Kept) => "what is left of the window is kept for others",
        Ok(v1::Rule::CallerQueue) => "earlier requests of the same caller come first",
        Ok(v1::Rule::Turn) => "it is the turn of other teams or callers",
        Ok(v1::Rule::Unspecified) | Err(_) => "for a rule that this program does not know",
    };
    let limit = if obstacle.limit.is_empty() { String::new() } else { format!(", limit {}", obstacle.limit) };
    format!("{text} ({}{limit})", reason(obstacle.reason))
}

/// When it would be granted if it could wait, and when it could be at the earliest.
fn later(explanation: &v1::LeaseExplanation) -> Vec<String> {
    let mut lines = Vec::new();
    let (prospect, patient) = (&explanation.prospect, &explanation.prospect_without_deadline);
    if prospect != patient {
        lines.push(format!("  with a longer max_wait: {}", outcome(patient.as_ref())));
    }
    if let Some(earliest) = &explanation.earliest_after {
        let wait = seconds(Some(earliest));
        lines.push(format!(
            "  at the earliest after {wait:.3} s, unless permits come back or a limit is raised"
        ));
    }
    lines
}

fn limit(limit: &v1::LimitRoom) -> Vec<String> {
    let state = if limit.open {
        format!("open, closes {}", after(limit.closes_after.as_ref()))
    } else {
        format!("at its edge or closed, the next window opens {}", after(limit.next_opens_after.as_ref()))
    };
    let external = match limit.external_use_permits {
        0 => String::new(),
        n => format!(", {n} kept for external use"),
    };
    let (left, budget) = (limit.left_permits, limit.budget_permits);
    let mut lines = vec![format!("limit {}: {left} left of {budget}{external}; {state}", limit.limit)];
    lines.extend(limit.kept.iter().map(|kept| format!("  {} kept for {}", kept.permits, purpose(kept))));
    lines
}

fn purpose(kept: &v1::KeptPermits) -> String {
    match v1::Purpose::try_from(kept.purpose) {
        Ok(v1::Purpose::Holdback) => format!("late {} requests (holdback)", priority(kept.priority)),
        Ok(v1::Purpose::ExpectedDemand) => {
            format!("{}, {} (expected demand)", kept.team, priority(kept.priority))
        }
        Ok(v1::Purpose::Floors) => "less urgent priorities that wait (floors)".into(),
        Ok(v1::Purpose::Reservations) => "protected reservations of other teams".into(),
        Ok(v1::Purpose::Unspecified) | Err(_) => "a purpose that this program does not know".into(),
    }
}

fn team(team: &v1::TeamRoom) -> String {
    let cap = match (team.cap_permits, team.room_permits) {
        (Some(cap), Some(room)) => format!(", {room} left under its cap of {cap}"),
        _ => String::new(),
    };
    let reservation = match (team.reservation_permits, team.owed) {
        (0, _) => String::new(),
        (n, true) => format!(", less than its reservation of {n}: it is served first"),
        (n, false) => format!(", reservation {n}"),
    };
    format!("team {}: granted {} in this window{cap}{reservation}", team.team, team.granted_permits)
}
