//! The configuration of a client: where the server is, who the client is, and the fallback.

use crate::interpreter::ChosenInterpreter;
use crate::signals::Interpret;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// What a client does while the server is unreachable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fallback {
    /// Fails when the request has waited for its `max_wait`. Nothing is sent without a grant.
    #[default]
    Deny,
    /// Retries until the server is reachable again, regardless of `max_wait`.
    Wait,
    /// Grants permits locally to requests that have waited for their `max_wait`: at most `permits` in any span as long as
    /// `window`. Nobody coordinates these shares: keep their sum over all instances of all services below the budget.
    Share {
        /// The permits of one window.
        permits: u32,
        /// The length of a window. Must be above 0.
        window: Duration,
    },
}

/// What a client proves its identity with.
#[derive(Clone, Default)]
pub(crate) enum TokenSource {
    #[default]
    None,
    Fixed(String),
    File(PathBuf),
}

/// What TLS trusts and presents, in PEM.
#[derive(Clone, Default)]
pub(crate) struct TlsIdentity {
    pub(crate) authority: Option<Vec<u8>>,
    /// A certificate and its private key.
    pub(crate) certificate: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) server_name: Option<String>,
}

/// The configuration of a [`Quota`](crate::Quota).
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) addresses: Vec<String>,
    pub(crate) token: TokenSource,
    pub(crate) tls: TlsIdentity,
    pub(crate) is_insecure: bool,
    pub(crate) workspace: String,
    pub(crate) team: String,
    pub(crate) caller: String,
    pub(crate) fallback: Fallback,
    pub(crate) interpreter: Option<ChosenInterpreter>,
}

/// Why a configuration is invalid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConfigError {
    /// An address is not a valid URL: the address, and why.
    #[error("address {0:?}: must be a URL such as http://127.0.0.1:7420: {1}")]
    Address(String, String),
    /// There are too many addresses.
    #[error("addresses: at most {0} are allowed")]
    TooManyAddresses(usize),
    /// Some addresses are `https`, and some are not.
    #[error("addresses: all must be https, or none")]
    MixedSchemes,
    /// The token contains characters that cannot be sent, or is empty.
    #[error("token: must be printable ASCII without spaces, and not empty")]
    Token,
    /// The file of the token cannot be used: its path, and why.
    #[error("token file {0:?}: {1}")]
    TokenFile(PathBuf, String),
    /// A token would be sent unencrypted over a network.
    #[error(
        "address {0:?}: a token is sent over https or to a loopback address only; use https, or allow it with `insecure`"
    )]
    InsecureToken(String),
    /// An address is `https`, and the feature `tls` is off.
    #[error("address: https requires the feature `tls` of apportion-client")]
    NoTls,
    /// No certificate authority is trusted.
    #[error("certificate authority: https requires one, or the feature `native-roots` of apportion-client")]
    NoAuthority,
    /// A certificate authority, certificate, key or server name cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// TLS is configured, and no address is `https`.
    #[error("TLS: a certificate authority, certificate or server name is set, but the addresses are http")]
    UnusedTls,
    /// The window of [`Fallback::Share`] has no length.
    #[error("fallback: the window of a share must be longer than 0")]
    Window,
}

impl Config {
    /// Creates a configuration for the server at `address`, such as `http://127.0.0.1:7420`.
    ///
    /// By default the client acts for the team `default` of the workspace `default`, as the caller `default`, without a token, and
    /// with [`Fallback::Deny`].
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            addresses: vec![address.into()],
            token: TokenSource::None,
            tls: TlsIdentity::default(),
            is_insecure: false,
            workspace: String::new(),
            team: String::new(),
            caller: String::new(),
            fallback: Fallback::Deny,
            interpreter: None,
        }
    }

    /// Adds the address of another node. A client uses the next address when one fails, and the one that serves its workspace
    /// when a node names it. At most 16 addresses, all with the same scheme.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Sets the bearer token that is sent with each call.
    #[must_use]
    pub fn token(self, secret: impl Into<String>) -> Self {
        Self { token: TokenSource::Fixed(secret.into()), ..self }
    }

    /// Sets a file that contains the bearer token. It is read again every 10 seconds while calls are made, and when a token is
    /// refused, so that a token can be replaced while the client runs.
    #[must_use]
    pub fn token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { token: TokenSource::File(path.into()), ..self }
    }

    /// Sets the certificate authority to trust for `https`, in PEM.
    #[must_use]
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.authority = Some(pem.into());
        self
    }

    /// Sets the certificate and private key that identify the client to the server, in PEM.
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the name that the certificate of every server must have. Defaults to the host of its address.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// Allows a token to be sent unencrypted to addresses that are not loopback, for networks that encrypt by themselves.
    #[must_use]
    pub fn insecure(self) -> Self {
        Self { is_insecure: true, ..self }
    }

    /// Sets the id of the workspace.
    #[must_use]
    pub fn workspace(self, id: impl Into<String>) -> Self {
        Self { workspace: id.into(), ..self }
    }

    /// Sets the id of the team that leases are charged to.
    #[must_use]
    pub fn team(self, id: impl Into<String>) -> Self {
        Self { team: id.into(), ..self }
    }

    /// Sets the name of the caller. Use a stable name of the service or instance, not one per request.
    #[must_use]
    pub fn caller(self, id: impl Into<String>) -> Self {
        Self { caller: id.into(), ..self }
    }

    /// Sets what the client does while the server is unreachable.
    #[must_use]
    pub fn fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }

    /// Sets what interprets the responses of the provider: your own [`Signals`](crate::signals::Signals), or code. By default the
    /// signals of the workspace do, which the server knows. See [`signals`](crate::signals).
    #[must_use]
    pub fn interpreter(self, interpreter: impl Interpret + 'static) -> Self {
        Self { interpreter: Some(ChosenInterpreter::new(interpreter)), ..self }
    }
}

impl TlsIdentity {
    pub(crate) fn is_set(&self) -> bool {
        self.authority.is_some() || self.certificate.is_some() || self.server_name.is_some()
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Fixed(_) => f.write_str("Fixed(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("authority", &self.authority.is_some())
            .field("certificate", &self.certificate.is_some())
            .field("server_name", &self.server_name)
            .finish()
    }
}
