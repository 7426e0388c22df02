//! Calls and answers as nodes exchange them.

use crate::convert::priority::wire_priority;
use crate::convert::time::{duration, optional_span};
use crate::engine::Acquire;
use crate::error::{Error, PassedError};
use crate::owners::Owner;
use crate::status::ErrorScope;
use apportion_core::ids::{LimitId, NodeId};
use apportion_core::request::Reason;
use apportion_core::time::Span;
use apportion_proto::{peer_v1, v1};

/// The longest time that an answer of another node may say.
const LONGEST: Span = Span::from_secs(366 * 86_400);
/// The greatest age of an observation that the contract allows.
const OLDEST: Span = Span::from_secs(3_600);

/// A request for a lease that was kept for `kept`, under this id.
pub(super) fn wire_acquire(acquire: &Acquire, request_id: &str, kept: Span) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: acquire.workspace.to_string(),
        team: acquire.team.to_string(),
        caller: acquire.caller.to_string(),
        priority: acquire.priority.map_or(0, |priority| wire_priority(priority).into()),
        permits: Some(acquire.permits.get()),
        min_permits: Some(acquire.min_permits.get()),
        max_wait: acquire.max_wait.map(|wait| duration(wait.less(kept))),
        request_id: request_id.to_owned(),
    }
}

/// A report that was kept for `kept`: its observations are that much older.
pub(super) fn aged(report: &v1::SettleLeaseRequest, kept: Span) -> v1::SettleLeaseRequest {
    let mut report = report.clone();
    for observation in &mut report.observations {
        let age = optional_span("age", observation.age.as_ref(), Span::ZERO, LONGEST);
        if let Ok(age) = age {
            let older = age.map_or(0, Span::as_ns).saturating_add(kept.as_ns());
            observation.age = Some(duration(Span::from_ns(older).min(OLDEST)));
        }
    }
    report
}

/// A lease whose request was kept for `kept` before it was passed on. The owner counts from when it got the request, and the client
/// from when it sent it, which was before this node got it.
pub(super) fn held(mut lease: v1::Lease, kept: Span) -> v1::Lease {
    let held = optional_span("held", lease.held.as_ref(), Span::ZERO, LONGEST).ok().flatten();
    lease.held = Some(duration(Span::from_ns(held.map_or(0, Span::as_ns).saturating_add(kept.as_ns()))));
    lease
}

/// An owner as another node wrote it; none where it is malformed.
pub(super) fn owner(wire: peer_v1::ShardOwner) -> Option<Owner> {
    let peer_v1::ShardOwner { node, epoch, peer_address, client_address } = wire;
    let is_address = |address: &str| !address.is_empty() && address.len() <= 300;
    if !is_address(&peer_address) || !is_address(&client_address) {
        return None;
    }
    Some(Owner { node: NodeId::new(&node).ok()?, epoch, peer_address, client_address })
}

/// An owner as other nodes read it.
pub(crate) fn wire_owner(owner: &Owner) -> peer_v1::ShardOwner {
    peer_v1::ShardOwner {
        node: owner.node.to_string(),
        epoch: owner.epoch,
        peer_address: owner.peer_address.clone(),
        client_address: owner.client_address.clone(),
    }
}

/// The refusal of another node.
pub(crate) fn refused(refusal: v1::Refusal) -> Error {
    let retry_after = optional_span("retry_after", refusal.retry_after.as_ref(), Span::ZERO, LONGEST);
    Error::Passed(Box::new(PassedError {
        reason: refusal.reason,
        message: refusal.message,
        retry_after: retry_after.ok().flatten(),
        limit: LimitId::new(&refusal.limit).ok(),
        field: Some(refusal.field).filter(|field| !field.is_empty()),
    }))
}

/// The same for others.
pub(crate) fn wire_refusal(error: &Error) -> v1::Refusal {
    error.failure(&ErrorScope::default()).refusal()
}

/// Whether an error says that this node does not own the shard, or is about to give it away: the request is made again elsewhere.
pub(crate) fn is_not_owner(error: &Error) -> bool {
    match error {
        Error::NotOwner { .. } | Error::Draining => true,
        Error::Refused { refusal, .. } => refusal.reason == Reason::NotOwner,
        _ => false,
    }
}
