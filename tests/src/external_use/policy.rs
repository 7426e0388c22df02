//! The policy of a simulation: one limit and one team, whose callers are the workers.

use apportion_core::ids::{CallerId, LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::PerPriority;
use apportion_core::time::{Span, Timestamp};

use super::provider::{LIMIT, WINDOW};

pub(super) fn permits(n: u64) -> Permits {
    Permits::clamped(n)
}

/// An instant in microseconds, as the core has it.
pub(super) fn at(us: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_ns(us * 1_000)
}

pub(super) fn limit_id() -> LimitId {
    LimitId::new("main").expect("a name")
}

pub(super) fn team_id() -> TeamId {
    TeamId::new("team").expect("a name")
}

pub(super) fn caller_id(worker: usize) -> CallerId {
    CallerId::new(&format!("worker-{worker}")).expect("a name")
}

/// With a holdback of a fifth, or with none.
pub(super) fn policy(has_holdback: bool) -> Policy {
    let limit = LimitPolicy {
        id: limit_id(),
        permits: permits(LIMIT),
        window: Span::from_ns(WINDOW * 1_000),
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let critical = if has_holdback { Share::from_percent(20) } else { Share::default() };
    Policy {
        holdback: PerPriority([critical, Share::default(), Share::default()]),
        external_use_memory: 3,
        ..Policy::plain(limit, vec![TeamPolicy::new(team_id())])
    }
}
