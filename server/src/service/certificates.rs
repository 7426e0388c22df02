//! Who bears which client certificate: the DNS and URI names in it, each bound to a role by the settings.
//!
//! Sees only certificates whose chain was verified when the connection was made. Knows no tokens.

use super::authorize::{Identity, Role, Scope};
use super::validity;
use crate::error::Error;
use apportion_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use tonic::transport::CertificateDer;
use webpki::EndEntityCert;

/// A name that certificates bear, and what it allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// A DNS name, in whatever case, or a URI, exactly as it stands in the certificate's subject alternative name.
    pub san: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that; empty for an administrator.
    pub scopes: Vec<Scope>,
}

/// Every bound name.
#[derive(Default, Debug)]
pub(crate) struct Bindings(HashMap<String, Arc<Identity>>);

impl Bindings {
    /// The bindings of the settings.
    pub(crate) fn new(bindings: &[Binding]) -> Self {
        let identity = |Binding { san, role, scopes }: &Binding| {
            Arc::new(Identity::new(format!("certificates/{san}"), *role, scopes.clone(), None))
        };
        Self(bindings.iter().map(|binding| (key(&binding.san), identity(binding))).collect())
    }

    /// Whether some certificate is an administrator's.
    pub(super) fn has_administrator(&self) -> bool {
        self.0.values().any(|identity| identity.role == Role::Admin)
    }

    /// Who bears a certificate, until it ends: a connection may live longer than the certificate that it was made with.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where none of its names is bound, or more than one, or it has expired at `now`.
    pub(super) fn identity(
        &self,
        certificate: &CertificateDer<'_>,
        now: Timestamp,
    ) -> Result<Arc<Identity>, Error> {
        const UNREADABLE: Error = Error::Unauthenticated("the client certificate cannot be read");
        let end = validity::end(certificate).ok_or(UNREADABLE)?;
        if end <= now {
            return Err(Error::Unauthenticated("the client certificate has expired"));
        }
        let certificate = EndEntityCert::try_from(certificate).map_err(|_| UNREADABLE)?;
        let names = certificate.valid_dns_names().chain(certificate.valid_uri_names());
        let Identity { name, role, scopes, .. } = &*self.bound(names)?;
        Ok(Arc::new(Identity::new(name.clone(), *role, scopes.clone(), Some(end))))
    }

    fn bound<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<Arc<Identity>, Error> {
        let mut bound: Option<&Arc<Identity>> = None;
        for identity in names.filter_map(|name| self.0.get(&key(name))) {
            if bound.is_some_and(|other| other.name != identity.name) {
                return Err(Error::Unauthenticated(
                    "the client certificate has several names that are bound to a role; send a token",
                ));
            }
            bound = Some(identity);
        }
        bound.cloned().ok_or(Error::Unauthenticated(
            "no name of the client certificate is bound to a role, and no token was sent: \
             bind one with `[[tls.client]]`, or send `authorization: Bearer <token>`",
        ))
    }
}

/// What a name is known by: DNS names are the same in capitals, URIs are not.
pub(crate) fn key(san: &str) -> String {
    if san.contains(':') { san.to_owned() } else { san.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    const NOW: Timestamp = Timestamp::from_ns(1_700_000_000_000_000_000);

    fn bindings() -> Bindings {
        let binding = |san: &str, role| Binding { san: san.into(), role, scopes: Vec::new() };
        let sync = binding("spiffe://example.org/Sync", Role::Client);
        Bindings::new(&[sync, binding("Ops.example.org", Role::Admin)])
    }

    fn who(names: &[&str]) -> Result<String, String> {
        let mut params = CertificateParams::default();
        let name = |name: &&str| match name.contains(':') {
            true => SanType::URI((*name).try_into().expect("ASCII")),
            false => SanType::DnsName((*name).try_into().expect("ASCII")),
        };
        params.subject_alt_names = names.iter().map(name).collect();
        let signed = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
        let identity = bindings().identity(signed.der(), NOW);
        identity.map(|identity| identity.name.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_is_whom_its_bound_name_says() {
        let sync = Ok("certificates/spiffe://example.org/Sync".into());
        assert_eq!(who(&["spiffe://example.org/Sync"]), sync);
        assert_eq!(who(&["other.example.org", "spiffe://example.org/Sync"]), sync);
        assert_eq!(who(&["ops.EXAMPLE.org"]), Ok("certificates/Ops.example.org".into()));
    }

    #[test]
    fn a_name_that_is_not_bound_is_nobody() {
        let near =
            ["spiffe://example.org/sync", "spiffe://example.org/Sync/x", "*.example.org", "example.org"];
        for names in near.map(|name| vec![name]).into_iter().chain([vec![]]) {
            let told = who(&names).expect_err("nobody");
            assert!(told.starts_with("no name of the client certificate is bound"), "{names:?}: {told}");
        }
    }

    #[test]
    fn a_certificate_with_two_bound_names_is_nobody() {
        let told = who(&["ops.example.org", "spiffe://example.org/Sync"]).expect_err("it is not clear who");
        assert!(told.contains("several names"), "{told}");
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_nobody_gets_a_name_that_is_not_in_the_certificate() {
        let mut params = CertificateParams::new(["a.example.org".to_owned()]).expect("a name");
        params.subject_alt_names.push(SanType::URI("spiffe://example.org/other".try_into().expect("ASCII")));
        let signed = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
        let bindings = bindings();
        apportion_fuzz::fuzz(|noise| {
            let changed = noise.changed(signed.der());
            let found = bindings.identity(&CertificateDer::from(changed.clone()), NOW);
            if let Ok(identity) = found {
                let name = identity.name.trim_start_matches("certificates/").to_ascii_lowercase();
                let text = String::from_utf8_lossy(&changed).to_ascii_lowercase();
                assert!(text.contains(&name), "{name} stands nowhere");
            }
        });
    }
}
