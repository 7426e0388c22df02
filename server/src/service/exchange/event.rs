//! Events of workspaces as messages of a stream.

use crate::convert::time::{duration, timestamp};
use crate::engine::WorkspaceEvent;
use crate::leases::SeenEvent;
use apportion_core::ids::WorkspaceId;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use apportion_proto::v1::exchange_response::Response;

/// The message of an event of any node.
pub(super) fn seen(
    workspace: &WorkspaceId,
    event: SeenEvent,
    now: Timestamp,
) -> Option<v1::ExchangeResponse> {
    match event {
        SeenEvent::Here(event) => response(workspace, event, now),
        SeenEvent::There(event) => Some(v1::ExchangeResponse { id: 0, response: Some(*event) }),
    }
}

/// The message of an event of this node. None where a revocation is over.
pub(in crate::service) fn response(
    workspace: &WorkspaceId,
    event: WorkspaceEvent,
    now: Timestamp,
) -> Option<v1::ExchangeResponse> {
    let workspace = workspace.to_string();
    let response = match event {
        WorkspaceEvent::Revoked { limit, window, until } if until > now => {
            Response::Revocation(v1::Revocation {
                workspace,
                limit: limit.to_string(),
                window_start_time: Some(timestamp(window.start.earliest)),
                window_end_time: Some(timestamp(window.end.latest)),
                retry_after: Some(duration(until.since(now))),
            })
        }
        WorkspaceEvent::Revoked { .. } => return None,
        WorkspaceEvent::LimitChanged { limit, permits, window } => Response::LimitChange(v1::LimitChange {
            workspace,
            limit: limit.to_string(),
            permits: permits.get(),
            window: Some(duration(window)),
            in_force_after: None,
        }),
    };
    Some(v1::ExchangeResponse { id: 0, response: Some(response) })
}
