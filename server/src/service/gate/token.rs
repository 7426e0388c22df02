//! Tokens: the hash that a secret is kept as, and what a kept token says about its holder.

use crate::service::authorize::{Identity, Role, Scope};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use sha2::{Digest, Sha256};
use tonic::metadata::{Ascii, MetadataValue};

/// The SHA-256 of a secret.
pub(crate) type Hash = [u8; 32];

/// The hash that a secret is kept as.
pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// The secret in an `authorization` header.
pub(super) fn secret(header: &MetadataValue<Ascii>) -> Option<&str> {
    let (scheme, secret) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// A time that the server wrote itself.
fn instant(time: &prost_types::Timestamp) -> Timestamp {
    let (seconds, nanos) = (u64::try_from(time.seconds).unwrap_or(0), u64::try_from(time.nanos).unwrap_or(0));
    Timestamp::from_ns(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The holder of a kept token. What cannot be read allows nothing.
pub(super) fn identity(token: &v1::Token) -> Identity {
    let role = match token.role() {
        v1::Role::Admin => Role::Admin,
        v1::Role::Observer => Role::Observer,
        v1::Role::Client | v1::Role::Unspecified => Role::Client,
    };
    let unknown = token.role() == v1::Role::Unspecified;
    let scopes = token.scopes.iter().filter(|_| !unknown).filter_map(scope).collect();
    Identity::new(token.name.clone(), role, scopes, token.expire_time.as_ref().map(instant))
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
    use crate::service::authorize::Action;
    use crate::service::gate::check;

    #[test]
    fn a_token_of_no_known_role_allows_nothing() {
        let kept = v1::Token {
            scopes: vec![v1::Scope { workspace: "*".into(), ..v1::Scope::default() }],
            ..v1::Token::default()
        };
        let nobody = identity(&kept);
        let workspace = WorkspaceId::new("default").expect("a name");
        for action in [Action::Lease, Action::Read, Action::List, Action::Administer] {
            assert!(check(&nobody, action, Some(&workspace), &[]).is_err(), "{action:?}");
        }
    }
}
