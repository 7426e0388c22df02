//! The gate: who calls, by its credential, and whether it may.
//!
//! Tokens are kept as hashes; a token that was deleted or has expired opens nothing from that instant on. Where no
//! credential is asked for, which is possible on loopback only, everybody is an administrator.

use super::authorize::{Act, Identity, Role, Scope, Target, authorize};
use crate::status::Error;
use crate::store::catalog::KeptToken;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tonic::metadata::MetadataMap;

/// The SHA-256 of a secret.
pub type Hash = [u8; 32];

/// The hash that a secret is kept as.
pub fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Somebody whose token is known.
#[derive(Clone, Debug)]
struct Holder {
    identity: Arc<Identity>,
    expires: Option<Timestamp>,
}

/// Who may come in.
#[derive(Debug)]
pub struct Gate {
    /// Whether a credential is asked for.
    closed: bool,
    holders: RwLock<HashMap<Hash, Holder>>,
    anybody: Arc<Identity>,
}

impl Gate {
    /// A gate that asks for a credential, or one through which everybody comes.
    pub fn new(closed: bool) -> Self {
        Self { closed, holders: RwLock::default(), anybody: Arc::new(Identity::anybody()) }
    }

    /// Lets the holder of a token in. Another one under the same name is forgotten.
    pub fn admit(&self, kept: &KeptToken) {
        let identity = identity(&kept.token);
        self.dismiss(&identity.name);
        let expires = kept.token.expire_time.as_ref().map(instant);
        let holder = Holder { identity: Arc::new(identity), expires };
        self.holders.write().unwrap_or_else(PoisonError::into_inner).insert(kept.secret_sha256, holder);
    }

    /// Lets the holder of the token of this name, `tokens/{token}`, in no more.
    pub fn dismiss(&self, name: &str) {
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|_, holder| holder.identity.name != name);
    }

    /// Who calls.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], which says the same of a wrong token, a deleted one and an expired one.
    pub fn identity(&self, metadata: &MetadataMap, now: Timestamp) -> Result<Arc<Identity>, Error> {
        let Some(header) = metadata.get("authorization") else {
            let anybody = (!self.closed).then(|| Arc::clone(&self.anybody));
            return anybody
                .ok_or(Error::Unauthenticated("no token came: send `authorization: Bearer <secret>`"));
        };
        let header = header.to_str().ok();
        let secret = header.and_then(|header| header.split_once(' '));
        let secret =
            secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret);
        let secret = secret.ok_or(Error::Unauthenticated("`authorization` must be `Bearer <secret>`"))?;
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        let holder =
            holders.get(&hash(secret.trim())).filter(|holder| holder.expires.is_none_or(|at| now < at));
        let known = holder.map(|holder| Arc::clone(&holder.identity));
        known.ok_or(Error::Unauthenticated("the token is not valid, or it has expired"))
    }
}

/// Whether `identity` may do that there.
///
/// # Errors
/// [`Error::PermissionDenied`].
pub fn check(
    identity: &Identity,
    act: Act,
    workspace: Option<&WorkspaceId>,
    path: &[TeamId],
) -> Result<(), Error> {
    authorize(identity, act, &Target { workspace, path }).then_some(()).ok_or(Error::PermissionDenied)
}

/// A time that the server wrote itself.
fn instant(time: &prost_types::Timestamp) -> Timestamp {
    let (seconds, nanos) = (u64::try_from(time.seconds).unwrap_or(0), u64::try_from(time.nanos).unwrap_or(0));
    Timestamp::from_ns(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// What a kept token says about its holder. What cannot be read allows nothing.
fn identity(token: &v1::Token) -> Identity {
    let role = match token.role() {
        v1::Role::Admin => Role::Admin,
        v1::Role::Observer => Role::Observer,
        v1::Role::Client | v1::Role::Unspecified => Role::Client,
    };
    let unknown = token.role() == v1::Role::Unspecified;
    let scopes = token.scopes.iter().filter(|_| !unknown).filter_map(scope).collect();
    Identity { name: token.name.clone(), role, scopes }
}

fn scope(scope: &v1::Scope) -> Option<Scope> {
    let workspace = match scope.workspace.as_str() {
        "*" => None,
        id => Some(WorkspaceId::new(id).ok()?),
    };
    let team = match scope.team.as_str() {
        "" => None,
        id => Some(TeamId::new(id).ok()?),
    };
    Some(Scope { workspace, team })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ns(5_000_000_000);

    fn token(name: &str, secret: &str, ends_in_seconds: Option<i64>) -> KeptToken {
        let expire_time = ends_in_seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        let token = v1::Token {
            name: name.into(),
            role: v1::Role::Admin.into(),
            expire_time,
            ..v1::Token::default()
        };
        KeptToken { token, secret_sha256: hash(secret) }
    }

    fn name(gate: &Gate, header: Option<&str>) -> Option<String> {
        let mut metadata = MetadataMap::new();
        if let Some(header) = header {
            metadata.insert("authorization", header.parse().expect("a header"));
        }
        gate.identity(&metadata, NOW).ok().map(|identity| identity.name.clone())
    }

    #[test]
    fn an_open_gate_lets_everybody_in_but_a_wrong_token() {
        let gate = Gate::new(false);
        assert_eq!(name(&gate, None).as_deref(), Some("loopback"));
        assert_eq!(name(&gate, Some("Bearer x")), None);
    }

    #[test]
    fn a_closed_gate_wants_a_token_that_is_known_and_has_not_expired() {
        let gate = Gate::new(true);
        gate.admit(&token("tokens/a", "secret", None));
        gate.admit(&token("tokens/old", "past", Some(5)));
        gate.admit(&token("tokens/new", "future", Some(6)));
        assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
        assert_eq!(name(&gate, Some("bearer future")).as_deref(), Some("tokens/new"));
        for bad in
            [None, Some("Bearer"), Some("Bearer "), Some("secret"), Some("Basic secret"), Some("Bearer past")]
        {
            assert_eq!(name(&gate, bad), None, "{bad:?}");
        }
        gate.dismiss("tokens/a");
        assert_eq!(name(&gate, Some("Bearer secret")), None);
    }

    #[test]
    fn a_token_of_no_known_role_allows_nothing() {
        let kept = v1::Token {
            scopes: vec![v1::Scope { workspace: "*".into(), ..v1::Scope::default() }],
            ..v1::Token::default()
        };
        let nobody = identity(&kept);
        let workspace = WorkspaceId::new("default").expect("a name");
        for act in [Act::Lease, Act::Look, Act::List, Act::Administer] {
            assert!(check(&nobody, act, Some(&workspace), &[]).is_err(), "{act:?}");
        }
    }
}
