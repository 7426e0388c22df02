//! One call on its way: what it is about, and what comes back.

use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_proto::peer_v1::{PassCallsRequest, UndeliveredLease};
use apportion_proto::peer_v1::{
    PassCallsResponse, pass_calls_request as request, pass_calls_response as response,
};

/// What a call is about.
#[derive(Clone, Debug)]
pub(crate) struct CallSubject {
    pub(crate) shard: u16,
    pub(crate) workspace: WorkspaceId,
    pub(crate) team: TeamId,
    pub(crate) caller: CallerId,
}

impl CallSubject {
    /// The message that gives back the lease of an answer that reached nobody; none where the answer is no lease.
    pub(super) fn give_back(&self, answer: &PassCallsResponse) -> Option<PassCallsRequest> {
        match &answer.response {
            Some(response::Response::Granted(lease)) => Some(self.undelivered(&lease.lease_id)),
            _ => None,
        }
    }

    /// The message that gives back a lease.
    pub(super) fn undelivered(&self, lease_id: &str) -> PassCallsRequest {
        let undelivered = UndeliveredLease {
            workspace: self.workspace.to_string(),
            team: self.team.to_string(),
            caller: self.caller.to_string(),
            lease_id: lease_id.to_owned(),
        };
        let call = Some(request::Call::Undelivered(undelivered));
        PassCallsRequest { call, ..PassCallsRequest::default() }
    }
}

/// What came back of a call.
#[derive(Debug)]
pub(crate) enum PeerReply {
    /// The answer.
    Answered(Box<PassCallsResponse>),
    /// The stream was lost: the call may have been carried out or not.
    Lost,
    /// The shard has another owner, and the node has not answered.
    Moved,
}
