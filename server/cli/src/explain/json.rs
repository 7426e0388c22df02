//! An explanation for programs, in JSON; times in seconds.

use super::words::{name, priority, reason, seconds};
use apportion_proto::v1;
use serde_json::{Value, json};

/// The explanation for programs.
pub(super) fn json(explanation: &v1::LeaseExplanation) -> Value {
    json!({
        "priority": (explanation.priority != 0).then(|| priority(explanation.priority)),
        "prospect": prospect(explanation.prospect.as_ref()),
        "prospect_without_deadline": prospect(explanation.prospect_without_deadline.as_ref()),
        "obstacle": explanation.obstacle.as_ref().map(|obstacle| json!({
            "rule": rule(obstacle.rule),
            "reason": reason(obstacle.reason),
            "limit": optional(&obstacle.limit),
        })),
        "earliest_after_s": explanation.earliest_after.as_ref().map(|it| seconds(Some(it))),
        "available_permits": explanation.available_permits,
        "limits": explanation.limits.iter().map(limit).collect::<Vec<_>>(),
        "path": explanation.path.iter().map(team).collect::<Vec<_>>(),
        "waiting_requests": explanation.waiting_requests,
        "waiting_permits": explanation.waiting_permits,
        "team_waiting_permits": explanation.team_waiting_permits,
    })
}

fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn rule(number: i32) -> String {
    name(v1::Rule::try_from(number).ok().map(|it| it.as_str_name()), "RULE_")
}

fn prospect(prospect: Option<&v1::Prospect>) -> Value {
    use v1::prospect::Outcome;
    match prospect.and_then(|it| it.outcome.as_ref()) {
        Some(Outcome::Granted(grant)) => json!({
            "outcome": "granted", "after_s": seconds(grant.after.as_ref()), "permits": grant.permits,
        }),
        Some(Outcome::Refused(refusal)) => json!({
            "outcome": "refused",
            "after_s": seconds(refusal.after.as_ref()),
            "reason": reason(refusal.reason),
            "message": refusal.message,
            "retry_after_s": refusal.retry_after.as_ref().map(|it| seconds(Some(it))),
            "limit": optional(&refusal.limit),
        }),
        Some(Outcome::Waits(wait)) => {
            json!({ "outcome": "waits", "longer_than_s": seconds(wait.longer_than.as_ref()) })
        }
        None => Value::Null,
    }
}

fn limit(limit: &v1::LimitRoom) -> Value {
    let kept = |kept: &v1::KeptPermits| {
        json!({
            "purpose": name(v1::Purpose::try_from(kept.purpose).ok().map(|it| it.as_str_name()), "PURPOSE_"),
            "permits": kept.permits,
            "team": optional(&kept.team),
            "priority": (kept.priority != 0).then(|| priority(kept.priority)),
        })
    };
    json!({
        "limit": limit.limit,
        "budget_permits": limit.budget_permits,
        "left_permits": limit.left_permits,
        "external_use_permits": limit.external_use_permits,
        "kept": limit.kept.iter().map(kept).collect::<Vec<_>>(),
        "open": limit.open,
        "closes_after_s": seconds(limit.closes_after.as_ref()),
        "next_opens_after_s": seconds(limit.next_opens_after.as_ref()),
    })
}

fn team(team: &v1::TeamRoom) -> Value {
    json!({
        "team": team.team,
        "granted_permits": team.granted_permits,
        "cap_permits": team.cap_permits,
        "room_permits": team.room_permits,
        "reservation_permits": team.reservation_permits,
        "owed": team.owed,
    })
}
