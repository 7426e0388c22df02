//! Who calls, as one node asserts it to another.

use crate::service::authorize::{Identity, Role, SCOPES_MAX, Scope};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_proto::{peer_v1, v1};
use foldhash::HashMap;
use prost::Message;
use prost::bytes::Bytes;
use std::sync::Arc;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Status};

/// The header of single calls that holds the caller.
const HEADER: &str = "apportion-caller-bin";
/// The longest name of a caller, in bytes.
const NAME_LONGEST: usize = 1_100;
/// Callers of one stream that are remembered. Beyond it all are forgotten, and read again.
const REMEMBERED: usize = 1_024;

/// The caller of a single call that another node passed on.
#[derive(Clone, Debug)]
pub(crate) struct AssertedIdentity(pub(crate) Arc<Identity>);

/// The caller as other nodes read it.
pub(crate) fn encode(identity: &Identity) -> Bytes {
    let role = match identity.role {
        Role::Client => v1::Role::Client,
        Role::Observer => v1::Role::Observer,
        Role::Admin => v1::Role::Admin,
    };
    let scope = |scope: &Scope| v1::Scope {
        workspace: scope.workspace.as_ref().map_or_else(|| "*".into(), ToString::to_string),
        team: scope.team.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let scopes = identity.scopes.iter().map(scope).collect();
    peer_v1::AssertedCaller { name: identity.name.clone(), role: role.into(), scopes }.encode_to_vec().into()
}

/// The caller that another node asserts; none where it cannot be read, or is more than a credential may be.
fn read(bytes: &[u8]) -> Option<Identity> {
    let caller = peer_v1::AssertedCaller::decode(bytes).ok()?;
    let role = match caller.role() {
        v1::Role::Client => Role::Client,
        v1::Role::Observer => Role::Observer,
        v1::Role::Admin => Role::Admin,
        v1::Role::Unspecified => return None,
    };
    if caller.name.is_empty() || caller.name.len() > NAME_LONGEST || caller.scopes.len() > SCOPES_MAX {
        return None;
    }
    let scope = |scope: &v1::Scope| {
        let workspace = Some(&scope.workspace).filter(|workspace| *workspace != "*");
        let team = Some(&scope.team).filter(|team| !team.is_empty());
        Some(Scope {
            workspace: workspace.map(|id| WorkspaceId::new(id)).transpose().ok()?,
            team: team.map(|id| TeamId::new(id)).transpose().ok()?,
        })
    };
    let scopes = caller.scopes.iter().map(scope).collect::<Option<_>>()?;
    Some(Identity::new(caller.name, role, scopes, None))
}

/// Adds the caller to the headers of a single call to another node.
pub(crate) fn assert_caller(headers: &mut MetadataMap, identity: &Identity) {
    headers.insert_bin(HEADER, MetadataValue::from_bytes(&identity.asserted(encode)));
}

/// Takes the caller of a single call from its headers. For the peer port alone.
///
/// # Errors
/// A status where no caller is asserted.
pub(crate) fn accept(mut request: Request<()>) -> Result<Request<()>, Status> {
    let asserted = request.metadata().get_bin(HEADER).and_then(|value| value.to_bytes().ok());
    let Some(identity) = asserted.and_then(|bytes| read(&bytes)) else {
        return Err(Status::unauthenticated("a node must say who calls"));
    };
    request.extensions_mut().insert(AssertedIdentity(Arc::new(identity)));
    Ok(request)
}

/// The callers of one stream. Most calls repeat one.
#[derive(Debug, Default)]
pub(super) struct Callers(HashMap<Bytes, Arc<Identity>>);

impl Callers {
    /// The caller that a message asserts; none where it is malformed.
    pub(super) fn read(&mut self, bytes: &Bytes) -> Option<Arc<Identity>> {
        if let Some(known) = self.0.get(bytes) {
            return Some(Arc::clone(known));
        }
        let new = Arc::new(read(bytes)?);
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        // The bytes of a message are part of a larger buffer, which would be kept with them.
        self.0.insert(Bytes::copy_from_slice(bytes), Arc::clone(&new));
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_read_as_it_was_written() {
        let scopes = vec![
            Scope { workspace: None, team: Some(TeamId::new("a").expect("a name")) },
            Scope { workspace: Some(WorkspaceId::new("eu").expect("a name")), team: None },
        ];
        let written = Identity::new("tokens/a".into(), Role::Client, scopes.clone(), None);
        let read = Callers::default().read(&encode(&written)).expect("a caller");
        assert_eq!((&*read.name, read.role, &read.scopes), ("tokens/a", Role::Client, &scopes));
    }

    #[test]
    fn what_is_no_caller_is_refused() {
        let caller = |role: v1::Role, scopes: usize, name: &str| {
            let scopes = vec![v1::Scope { workspace: "eu".into(), team: String::new() }; scopes];
            peer_v1::AssertedCaller { name: name.into(), role: role.into(), scopes }.encode_to_vec()
        };
        assert!(read(&caller(v1::Role::Client, SCOPES_MAX, "a")).is_some());
        assert!(read(&caller(v1::Role::Client, SCOPES_MAX + 1, "a")).is_none());
        assert!(read(&caller(v1::Role::Unspecified, 1, "a")).is_none());
        assert!(read(&caller(v1::Role::Admin, 0, "")).is_none());
        assert!(read(&[]).is_none() && read(b"\xff\xff").is_none());
    }

    #[test]
    fn the_callers_that_a_stream_remembers_are_bounded() {
        let mut callers = Callers::default();
        for n in 0..2 * REMEMBERED {
            let caller = Identity::new(format!("tokens/{n}"), Role::Admin, Vec::new(), None);
            assert!(callers.read(&encode(&caller)).is_some());
            assert!(callers.0.len() <= REMEMBERED);
        }
    }
}
