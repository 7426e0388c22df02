//! The gate: who calls, by its credential, and whether it may.
//!
//! Tokens are kept as hashes; a token that was deleted or has expired opens nothing from that instant on. A token comes before
//! a client certificate. Where no credential is asked for, everybody is an administrator; the first token ends that for good.

use super::authorize::{Act, Identity, Role, Scope, Target, authorize};
use super::certificates::Bindings;
use super::guesses::{BURST, Guesses, Source, Wrong};
use crate::status::Error;
use crate::store::catalog::KeptToken;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

/// What a stream is told whose credential was valid when it began.
pub(super) const ENDED: Error = Error::Unauthenticated("the credential of this stream is not valid any more");

/// What a change is told whose credential was valid when it was asked for, and no longer when it was its turn.
pub(super) const WITHDRAWN: Error =
    Error::Unauthenticated("the credential of this call is not valid any more");

/// Of what there were too many where a token is not looked at.
const WRONG_TOKENS: &str = "wrong tokens from this address";
/// How late that is told.
const LATE: Duration = Duration::from_secs(1);

/// The SHA-256 of a secret.
pub(crate) type Hash = [u8; 32];

/// The hash that a secret is kept as.
pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Who may come in.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whether a credential is asked for. Once it is, it stays so.
    closed: AtomicBool,
    holders: RwLock<HashMap<Hash, Arc<Identity>>>,
    certificates: Bindings,
    anybody: Arc<Identity>,
    guesses: Guesses,
}

impl Gate {
    /// A gate through which everybody comes until a token is known.
    pub(crate) fn open() -> Self {
        Self {
            closed: AtomicBool::new(false),
            holders: RwLock::default(),
            certificates: Bindings::default(),
            anybody: Arc::new(Identity::anybody()),
            guesses: Guesses::default(),
        }
    }

    /// A gate for the bearers of certificates, and the holders of tokens once some are known.
    pub(crate) fn certified(certificates: Bindings) -> Self {
        Self { closed: AtomicBool::new(true), certificates, ..Self::open() }
    }

    /// Whether a credential is asked for.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lets the holder of a token in, and from now on nobody without a credential. Another token under the same name is forgotten.
    pub(crate) fn admit(&self, kept: &KeptToken) {
        let identity = Arc::new(identity(&kept.token));
        self.dismiss(&identity.name);
        self.holders.write().unwrap_or_else(PoisonError::into_inner).insert(kept.secret_sha256, identity);
        self.close();
    }

    /// Lets nobody in without a credential from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.anybody.withdraw();
    }

    /// Lets the holder of the token of this name, `tokens/{token}`, in no more.
    pub(crate) fn dismiss(&self, name: &str) {
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|_, holder| {
            let stays = holder.name != name;
            if !stays {
                holder.withdraw();
            }
            stays
        });
    }

    /// Whether some administrator has a credential that does not end by itself.
    pub(crate) fn has_administrator(&self) -> bool {
        self.certificates.has_administrator() || !self.administrators().is_empty()
    }

    /// Whether the token of this name, `tokens/{token}`, is the only credential of an administrator that does not end by itself.
    pub(crate) fn is_last_administrator(&self, name: &str) -> bool {
        !self.certificates.has_administrator() && self.administrators() == [name]
    }

    /// Whether some token has this secret.
    pub(crate) fn knows(&self, secret: &Hash) -> bool {
        self.holders.read().unwrap_or_else(PoisonError::into_inner).contains_key(secret)
    }

    /// The names of the administrators' tokens, those left out that end some day: then nobody could make another one.
    fn administrators(&self) -> Vec<String> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        let administrators = holders.values().filter(|holder| holder.role == Role::Admin && !holder.ends());
        administrators.map(|holder| holder.name.clone()).collect()
    }

    /// Who calls: the holder of the token that came, else the bearer of the certificate that the connection was made with.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], which says the same of a wrong token, a deleted one and an expired one.
    /// [`Error::ServerFull`] where too many wrong ones came from there, and this one was not looked at.
    pub(crate) fn identity<T>(
        &self,
        request: &Request<T>,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<Arc<Identity>, Error> {
        let from = request.remote_addr();
        let refused = |wrong: Wrong| self.guesses.note(wrong, from, Instant::now());
        if let Some(header) = request.metadata().get("authorization") {
            return self.holder(header, now(), from);
        }
        let chain = request.peer_certs();
        if let Some(certificate) = chain.as_ref().and_then(|chain| chain.first()) {
            let identity = self.certificates.identity(certificate, now());
            return identity.inspect_err(|_| refused(Wrong::Certificate));
        }
        if self.is_closed() {
            refused(Wrong::Missing);
            return Err(Error::Unauthenticated("no token came: send `authorization: Bearer <secret>`"));
        }
        Ok(Arc::clone(&self.anybody))
    }

    /// Credentials that were refused.
    pub(crate) fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    fn holder(
        &self,
        header: &MetadataValue<Ascii>,
        now: Timestamp,
        from: Option<SocketAddr>,
    ) -> Result<Arc<Identity>, Error> {
        let source = Source::of(from);
        let known = secret(header).and_then(|secret| {
            let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
            holders.get(&hash(secret)).filter(|holder| holder.is_valid(now)).cloned()
        });
        // Whoever was let in from there before has nothing to do with those who guess.
        if let Some(holder) = known.as_ref().filter(|holder| holder.seen.has(source)) {
            return Ok(Arc::clone(holder));
        }
        let instant = Instant::now();
        if let Some(pause) = self.guesses.pause(source, instant) {
            self.guesses.note(Wrong::Unseen, from, instant);
            let retry_after = Span::from_ns(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX));
            return Err(Error::ServerFull { what: WRONG_TOKENS, most: BURST.into(), retry_after });
        }
        match known {
            Some(holder) => {
                holder.seen.add(source);
                Ok(holder)
            }
            None => {
                self.guesses.note(Wrong::Token, from, instant);
                Err(match secret(header) {
                    Some(_) => Error::Unauthenticated("the token is not valid, or it has expired"),
                    None => Error::Unauthenticated("`authorization` must be `Bearer <secret>`"),
                })
            }
        }
    }
}

/// The secret in a header.
fn secret(header: &MetadataValue<Ascii>) -> Option<&str> {
    let (scheme, secret) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Who calls, at once; and the answer to a guess that was not looked at, late: who sends many has many open that do nothing.
pub(super) async fn slowed(who: Result<Arc<Identity>, Error>) -> Result<Arc<Identity>, Error> {
    if matches!(who, Err(Error::ServerFull { what: WRONG_TOKENS, .. })) {
        tokio::time::sleep(LATE).await;
    }
    who
}

/// Whether `identity` may do that there.
///
/// # Errors
/// [`Error::PermissionDenied`].
pub(crate) fn check(
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
        let request = header.map_or_else(|| Request::new(()), bearing);
        gate.identity(&request, || NOW).ok().map(|identity| identity.name.clone())
    }

    fn bearing(header: &str) -> Request<()> {
        let mut request = Request::new(());
        request.metadata_mut().insert("authorization", header.parse().expect("a header"));
        request
    }

    #[test]
    fn an_open_gate_lets_everybody_in_but_a_wrong_token() {
        let gate = Gate::open();
        assert_eq!(name(&gate, None).as_deref(), Some("loopback"));
        assert_eq!(name(&gate, Some("Bearer x")), None);
    }

    #[test]
    fn a_closed_gate_wants_a_token_that_is_known_and_has_not_expired() {
        let gate = Gate::certified(Bindings::default());
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
    fn who_guesses_is_not_looked_at_and_who_was_let_in_before_still_is() {
        let gate = Gate::open();
        gate.admit(&token("tokens/a", "secret", None));
        gate.admit(&token("tokens/b", "other", None));
        assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
        for number in 0..BURST + 20 {
            assert_eq!(name(&gate, Some(&format!("Bearer guess-{number}"))), None);
        }
        let refused = gate.identity(&bearing("Bearer other"), || NOW).expect_err("it is not looked at");
        assert!(matches!(refused, Error::ServerFull { what: WRONG_TOKENS, .. }), "{refused}");
        assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
        assert!(gate.guesses().count(Wrong::Unseen) >= 10);
    }

    #[test]
    fn the_first_token_closes_the_gate_and_the_last_one_does_not_open_it() {
        let gate = Gate::open();
        let loopback = gate.identity(&Request::new(()), || NOW).expect("everybody comes in");
        assert!(loopback.is_valid(NOW) && !gate.is_closed());
        gate.admit(&token("tokens/a", "secret", None));
        assert!(!loopback.is_valid(NOW), "a stream that was open is nobody's any more");
        assert_eq!(name(&gate, None), None);
        let holder = gate.identity(&bearing("Bearer secret"), || NOW).expect("it is known");
        gate.dismiss("tokens/a");
        assert!(!holder.is_valid(NOW));
        assert_eq!((name(&gate, None), gate.is_closed()), (None, true));
    }

    #[test]
    fn an_administrator_counts_whose_token_does_not_end() {
        let gate = Gate::open();
        gate.admit(&token("tokens/soon", "brief", Some(6)));
        assert!(!gate.has_administrator());
        gate.admit(&token("tokens/a", "secret", None));
        assert!(gate.has_administrator() && gate.is_last_administrator("tokens/a"));
        assert!(!gate.is_last_administrator("tokens/soon"));
        gate.admit(&token("tokens/b", "other", None));
        assert!(!gate.is_last_administrator("tokens/a"));
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
