//! The gate: who calls, by its credential, and whether it may.
//!
//! Tokens are kept as hashes; a deleted or expired token is refused from that instant on. A token takes precedence over a client
//! certificate. Where no credential is required, every caller is an administrator; the first token ends that for good.

mod token;

use super::authorize::{Action, Identity, Role, Target, authorize};
use super::certificates::Bindings;
use super::guesses::{BURST, CredentialFault, Guesses, Peer};
use super::passed::AssertedIdentity;
use crate::error::Error;
use crate::store::catalog::KeptToken;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::{Span, Timestamp};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use token::{identity, secret};
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

pub(crate) use token::{Hash, hash};

/// Ends a stream whose credential was valid when it began.
pub(super) const ENDED: Error = Error::Unauthenticated(
    "the credential of this stream has expired or was deleted; reconnect with a valid one",
);

/// Refuses a call whose credential was valid when the call came, and not any more when it is its turn.
pub(super) const WITHDRAWN: Error =
    Error::Unauthenticated("the credential of this call has expired or was deleted; retry with a valid one");

/// The name of the token whose secret is in the environment of the server.
pub(crate) const ENVIRONMENT_TOKEN: &str = "tokens/environment";

/// What there are too many of where a token is not checked.
const WRONG_TOKENS: &str = "wrong tokens from this address";
/// How late such a guess is answered.
const GUESS_DELAY: Duration = Duration::from_secs(1);

/// The credentials that the server accepts.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whether a credential is required. Once it is, it stays so.
    closed: AtomicBool,
    holders: RwLock<HashMap<Hash, Arc<Identity>>>,
    /// It is unknown which tokens the store still holds.
    distrusts: AtomicBool,
    certificates: Bindings,
    anybody: Arc<Identity>,
    guesses: Guesses,
}

impl Gate {
    /// A gate that admits everybody until a token is known.
    pub(crate) fn open() -> Self {
        Self {
            closed: AtomicBool::new(false),
            holders: RwLock::default(),
            distrusts: AtomicBool::new(false),
            certificates: Bindings::default(),
            anybody: Arc::new(Identity::anybody()),
            guesses: Guesses::default(),
        }
    }

    /// A gate for the bearers of certificates, and the holders of tokens once some are known.
    pub(crate) fn certified(certificates: Bindings) -> Self {
        Self { closed: AtomicBool::new(true), certificates, ..Self::open() }
    }

    /// Whether a credential is required.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Admits the holder of a token, and from now on nobody without a credential. It replaces a token of the same name.
    pub(crate) fn admit(&self, kept: &KeptToken) {
        let identity = Arc::new(identity(&kept.token));
        self.dismiss(&identity.name);
        self.holders.write().unwrap_or_else(PoisonError::into_inner).insert(kept.secret_sha256, identity);
        self.close();
    }

    /// Admits nobody without a credential from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.anybody.withdraw();
    }

    /// Withdraws the token of this name, `tokens/{token}`.
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

    /// Accepts these tokens and no others, but for that of the environment.
    pub(crate) fn accept_only(&self, tokens: &[KeptToken]) {
        let known: HashSet<&str> = tokens.iter().map(|kept| kept.token.name.as_str()).collect();
        for name in
            self.names().iter().filter(|name| *name != ENVIRONMENT_TOKEN && !known.contains(name.as_str()))
        {
            self.dismiss(name);
        }
        tokens.iter().filter(|kept| !self.knows(&kept.secret_sha256)).for_each(|kept| self.admit(kept));
    }

    /// Accepts no token of the store for now, or does again.
    pub(crate) fn distrust(&self, is_unknown: bool) {
        self.distrusts.store(is_unknown, Ordering::Release);
    }

    fn names(&self) -> Vec<String> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        holders.values().map(|holder| holder.name.clone()).collect()
    }

    /// Whether an administrator has a credential that does not expire.
    pub(crate) fn has_administrator(&self) -> bool {
        self.certificates.has_administrator() || !self.administrators().is_empty()
    }

    /// Whether an administrator has a credential that no store holds: of a certificate, or of the environment.
    pub(crate) fn has_own_administrator(&self) -> bool {
        self.certificates.has_administrator()
            || self.administrators().iter().any(|name| name == ENVIRONMENT_TOKEN)
    }

    /// Whether some token has this secret.
    pub(crate) fn knows(&self, secret: &Hash) -> bool {
        self.holders.read().unwrap_or_else(PoisonError::into_inner).contains_key(secret)
    }

    /// The names of the administrators' tokens that do not expire: after the others, nobody could create a token.
    fn administrators(&self) -> Vec<String> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        let administrators =
            holders.values().filter(|holder| holder.role == Role::Admin && !holder.expires());
        administrators.map(|holder| holder.name.clone()).collect()
    }

    /// The caller: the holder of the token that came, else the bearer of the connection's client certificate.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], the same for a wrong, a deleted and an expired token.
    /// [`Error::ServerFull`] where too many wrong tokens came from the same address, and this one was not checked.
    pub(crate) fn identity<T>(
        &self,
        request: &Request<T>,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<Arc<Identity>, Error> {
        if let Some(AssertedIdentity(identity)) = request.extensions().get() {
            return Ok(Arc::clone(identity));
        }
        let from = request.remote_addr();
        let refused = |fault: CredentialFault| self.guesses.note(fault, from, Instant::now());
        if let Some(header) = request.metadata().get("authorization") {
            return self.holder(header, now(), from);
        }
        let chain = request.peer_certs();
        if let Some(certificate) = chain.as_ref().and_then(|chain| chain.first()) {
            let identity = self.certificates.identity(certificate, now());
            return identity.inspect_err(|_| refused(CredentialFault::Certificate));
        }
        if self.is_closed() {
            refused(CredentialFault::Missing);
            return Err(Error::Unauthenticated("missing credentials: send `authorization: Bearer <token>`"));
        }
        Ok(Arc::clone(&self.anybody))
    }

    /// The counts of refused credentials.
    pub(crate) fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    fn holder(
        &self,
        header: &MetadataValue<Ascii>,
        now: Timestamp,
        from: Option<SocketAddr>,
    ) -> Result<Arc<Identity>, Error> {
        let peer = Peer::of(from);
        let known = secret(header).and_then(|secret| {
            let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
            holders.get(&hash(secret)).filter(|holder| holder.is_valid(now)).cloned()
        });
        if known.as_ref().is_some_and(|holder| holder.name != ENVIRONMENT_TOKEN)
            && self.distrusts.load(Ordering::Acquire)
        {
            return Err(Error::StoreLost);
        }
        // A token that was accepted from this peer before is no guess.
        if let Some(holder) = known.as_ref().filter(|holder| holder.known_peers.has(peer)) {
            return Ok(Arc::clone(holder));
        }
        let instant = Instant::now();
        if let Some(pause) = self.guesses.pause(peer, instant) {
            self.guesses.note(CredentialFault::Unchecked, from, instant);
            let retry_after = Span::from_ns(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX));
            return Err(Error::ServerFull { what: WRONG_TOKENS, most: BURST.into(), retry_after });
        }
        match known {
            Some(holder) => {
                holder.known_peers.add(peer);
                Ok(holder)
            }
            None => {
                self.guesses.note(CredentialFault::Token, from, instant);
                Err(match secret(header) {
                    Some(_) => Error::Unauthenticated("the token is not valid, or it has expired"),
                    None => Error::Unauthenticated("`authorization` must be `Bearer <secret>`"),
                })
            }
        }
    }
}

/// Returns the caller at once, but delays the answer to a guess that was not checked: a guesser's calls stay open and do nothing.
pub(super) async fn slowed(who: Result<Arc<Identity>, Error>) -> Result<Arc<Identity>, Error> {
    if matches!(who, Err(Error::ServerFull { what: WRONG_TOKENS, .. })) {
        tokio::time::sleep(GUESS_DELAY).await;
    }
    who
}

/// Checks that `identity` may do `action` to the team of `path` in `workspace`.
///
/// # Errors
/// [`Error::PermissionDenied`].
pub(crate) fn check(
    identity: &Identity,
    action: Action,
    workspace: Option<&WorkspaceId>,
    path: &[TeamId],
) -> Result<(), Error> {
    authorize(identity, action, &Target { workspace, path }).then_some(()).ok_or(Error::PermissionDenied)
}

#[cfg(test)]
mod tests;
