//! Answers that wait to be sent. Each becomes a message when it is sent: until then it is moved between queues.

use crate::error::Error;
use crate::leases::DecidedLease;
use crate::status::ErrorScope;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_proto::v1;
use apportion_proto::v1::exchange_response::Response;
use std::sync::Arc;

/// The sender of a request.
#[derive(Debug)]
pub(super) struct Requester {
    pub(super) workspace: WorkspaceId,
    pub(super) team: TeamId,
    pub(super) caller: CallerId,
}

impl Requester {
    pub(super) fn scope(&self) -> ErrorScope {
        ErrorScope::of_team(&self.workspace, &self.team)
    }
}

/// The sender of the last request of a stream, kept because the next one mostly comes from the same.
#[derive(Default)]
pub(super) struct Requesters(Option<Arc<Requester>>);

impl Requesters {
    /// The sender of a request.
    pub(super) fn of(&mut self, workspace: &WorkspaceId, team: &TeamId, caller: &CallerId) -> Arc<Requester> {
        let is_sender =
            |of: &&Arc<Requester>| of.caller == *caller && of.team == *team && of.workspace == *workspace;
        if let Some(same) = self.0.as_ref().filter(is_sender) {
            return Arc::clone(same);
        }
        let (workspace, team, caller) = (workspace.clone(), team.clone(), caller.clone());
        Arc::clone(self.0.insert(Arc::new(Requester { workspace, team, caller })))
    }
}

/// An answer that is not sent yet.
pub(super) enum Outgoing {
    /// A lease, which is given back if it is never sent.
    Granted { id: u64, requester: Arc<Requester>, lease: DecidedLease },
    /// The outcome of a settle.
    Settled { id: u64, settled: v1::Settled },
    /// A refusal or an event, both rare.
    Other(Box<v1::ExchangeResponse>),
}

impl Outgoing {
    pub(super) fn refusal(id: u64, scope: &ErrorScope, error: Error) -> Self {
        Self::Other(Box::new(refusal(id, scope, error)))
    }

    /// The message.
    pub(super) fn response(self) -> v1::ExchangeResponse {
        match self {
            Self::Granted { id, requester, lease } => match lease.wire() {
                Ok(lease) => v1::ExchangeResponse { id, response: Some(Response::Granted(Box::new(lease))) },
                Err(error) => refusal(id, &requester.scope(), error),
            },
            Self::Settled { id, settled } => {
                v1::ExchangeResponse { id, response: Some(Response::Settled(settled)) }
            }
            Self::Other(response) => *response,
        }
    }
}

fn refusal(id: u64, scope: &ErrorScope, error: Error) -> v1::ExchangeResponse {
    let refusal = error.failure(scope).refusal();
    v1::ExchangeResponse { id, response: Some(Response::Refusal(refusal)) }
}
