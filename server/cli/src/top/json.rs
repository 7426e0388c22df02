//! The view for programs, in JSON.

use super::model::{LimitRow, TeamRow, View};
use serde_json::json;
use std::time::Duration;

/// The view for programs; times in seconds.
pub(super) fn json(view: &View) -> serde_json::Value {
    let seconds = |span: Duration| span.as_secs_f64();
    let limit = |limit: &LimitRow| {
        json!({
            "limit": limit.id,
            "elapsed_s": seconds(limit.elapsed),
            "window_s": seconds(limit.window),
            "budget_permits": limit.budget,
            "configured_permits": limit.configured.unwrap_or(limit.budget),
            "left_permits": limit.left,
            "booked_permits": limit.booked,
            "others_permits": limit.others,
            "open": limit.open,
            "exhausted": limit.exhausted,
            "cooldown_s": limit.cooldown.map(seconds),
        })
    };
    let team = |team: &TeamRow| {
        json!({
            "team": team.id,
            "depth": team.depth,
            "priorities": team.priorities,
            "weight": team.weight,
            "reservation_permits": team.reserved,
            "cap_permits": team.cap,
            "granted_permits": team.granted,
            "share_permits": team.share,
            "waiting_permits": team.waiting,
            "expected_permits": team.expected,
            "refused_requests": team.refused,
            "p50_wait_s": team.p50.map(seconds),
            "p99_wait_s": team.p99.map(seconds),
        })
    };
    json!({
        "workspace": view.workspace,
        "trouble": view.trouble,
        "waiting_requests": view.waiting_requests,
        "limits": view.limits.iter().map(limit).collect::<Vec<_>>(),
        "teams": view.teams.iter().map(team).collect::<Vec<_>>(),
    })
}
