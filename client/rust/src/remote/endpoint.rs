//! How a connection to a node is made.

use super::address::Address;
use super::owner::HintTrust;
use crate::config::{Config, ConfigError, TokenSource};
use std::time::Duration;
use tonic::transport::Endpoint;

/// How long connecting may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection is probed, idle or not, and how long the answer may take.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// The most addresses of a configuration.
const ADDRESSES_MAX: usize = 16;

/// Makes the endpoint of any node.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    #[cfg(feature = "tls")]
    tls: Option<tonic::transport::ClientTlsConfig>,
}

impl Endpoints {
    /// # Errors
    /// [`ConfigError`] if what is configured of TLS does not fit the addresses or the features.
    pub(super) fn new(config: &Config, is_https: bool) -> Result<Self, ConfigError> {
        if !is_https {
            return if config.tls.is_set() { Err(ConfigError::UnusedTls) } else { Ok(Self::plain()) };
        }
        Self::encrypted(config)
    }

    #[cfg(feature = "tls")]
    fn plain() -> Self {
        Self { tls: None }
    }

    #[cfg(not(feature = "tls"))]
    fn plain() -> Self {
        Self {}
    }

    #[cfg(feature = "tls")]
    fn encrypted(config: &Config) -> Result<Self, ConfigError> {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};
        let identity = &config.tls;
        let mut tls = ClientTlsConfig::new();
        tls = match &identity.authority {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(authority(pem)?)),
            None if cfg!(feature = "native-roots") => tls.with_enabled_roots(),
            None => return Err(ConfigError::NoAuthority),
        };
        if let Some((certificate, key)) = &identity.certificate {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &identity.server_name {
            tls = tls.domain_name(name);
        }
        Ok(Self { tls: Some(tls) })
    }

    #[cfg(not(feature = "tls"))]
    fn encrypted(_config: &Config) -> Result<Self, ConfigError> {
        Err(ConfigError::NoTls)
    }

    /// # Errors
    /// [`ConfigError`] if an authority, certificate, key or server name cannot be used.
    pub(super) fn endpoint(&self, address: &Address) -> Result<Endpoint, ConfigError> {
        let text = address.to_string();
        let endpoint = Endpoint::from_shared(text.clone())
            .map_err(|error| ConfigError::Address(text, error.to_string()))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        self.with_tls(endpoint)
    }

    #[cfg(feature = "tls")]
    fn with_tls(&self, endpoint: Endpoint) -> Result<Endpoint, ConfigError> {
        match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()).map_err(|error| ConfigError::Tls(causes(&error))),
            None => Ok(endpoint),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn with_tls(&self, endpoint: Endpoint) -> Result<Endpoint, ConfigError> {
        Ok(endpoint)
    }
}

/// The certificates of an authority. Where there are none, tonic would trust nobody, and say so only when it connects.
#[cfg(feature = "tls")]
fn authority(pem: &[u8]) -> Result<&[u8], ConfigError> {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(pem),
        Ok(_) => Err(ConfigError::Tls("the certificate authority has no certificate in PEM".into())),
        Err(error) => Err(ConfigError::Tls(format!("the certificate authority: {error}"))),
    }
}

/// An error and its causes: tonic's own text is only "transport error".
#[cfg(feature = "tls")]
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The configured addresses, checked.
///
/// # Errors
/// [`ConfigError`] if an address is invalid, or a token would be sent unencrypted over a network.
pub(super) fn addresses(config: &Config) -> Result<Vec<Address>, ConfigError> {
    if config.addresses.len() > ADDRESSES_MAX {
        return Err(ConfigError::TooManyAddresses(ADDRESSES_MAX));
    }
    let addresses: Vec<_> =
        config.addresses.iter().map(|text| Address::parse(text)).collect::<Result<_, _>>()?;
    if addresses.iter().any(|address| address.is_https() != addresses[0].is_https()) {
        return Err(ConfigError::MixedSchemes);
    }
    let has_token = !matches!(config.token, TokenSource::None);
    let is_exposed = |address: &&Address| !address.is_https() && !address.is_loopback();
    match addresses.iter().find(is_exposed) {
        Some(exposed) if has_token && !config.is_insecure => {
            Err(ConfigError::InsecureToken(exposed.to_string()))
        }
        _ => Ok(addresses),
    }
}

/// What protects calls to addresses that other nodes name.
pub(super) fn hint_trust(config: &Config, is_https: bool) -> HintTrust {
    match &config.token {
        // With public authorities only, anyone could have a valid certificate for the name in a hint.
        _ if is_https && (config.tls.authority.is_some() || config.tls.server_name.is_some()) => {
            HintTrust::Certificate
        }
        _ if is_https => HintTrust::Configured,
        TokenSource::None => HintTrust::NoToken,
        TokenSource::Fixed(_) | TokenSource::File(_) => HintTrust::Loopback,
    }
}
