//! The configuration of a client: the endpoint, the identity of the caller, and the fallback.

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
    /// Grants permits locally: `permits` in a window that starts with the first of them, then none for as long again. Local windows
    /// are not aligned with the provider's, so the pause keeps two shares out of one window of the provider. Nobody coordinates
    /// these shares: keep their sum over all instances of all services below the budget.
    Share {
        /// The permits of one window.
        permits: u32,
        /// The length of a window. Must be above 0.
        window: Duration,
    },
}

/// The configuration of a [`Quota`](crate::Quota).
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) endpoint: String,
    pub(crate) token: Option<String>,
    #[cfg(feature = "tls")]
    pub(crate) certificate_authority: Option<Vec<u8>>,
    pub(crate) workspace: String,
    pub(crate) team: String,
    pub(crate) caller: String,
    pub(crate) fallback: Fallback,
}

/// Why a configuration is invalid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConfigError {
    /// The endpoint is not a valid URL: the endpoint, and why.
    #[error("endpoint {0:?}: must be a URL such as http://127.0.0.1:7420: {1}")]
    Endpoint(String, String),
    /// The token contains characters that cannot be sent.
    #[error("token: must be printable ASCII")]
    Token,
    /// The endpoint is `https`, and the feature `tls` is off.
    #[error("endpoint: https requires the feature `tls` of apportion-client")]
    NoTls,
    /// The window of [`Fallback::Share`] has no length.
    #[error("fallback: the window of a share must be longer than 0")]
    Window,
}

impl Config {
    /// Creates a configuration for the server at `endpoint`, such as `http://127.0.0.1:7420`.
    ///
    /// By default the client acts for the team `default` of the workspace `default`, as the caller `default`, without a token, and
    /// with [`Fallback::Deny`].
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            token: None,
            #[cfg(feature = "tls")]
            certificate_authority: None,
            workspace: String::new(),
            team: String::new(),
            caller: String::new(),
            fallback: Fallback::Deny,
        }
    }

    /// Sets the bearer token that is sent with each call.
    #[must_use]
    pub fn token(self, secret: impl Into<String>) -> Self {
        Self { token: Some(secret.into()), ..self }
    }

    /// Sets the certificate authority to trust for an `https` endpoint, in PEM.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificate_authority(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { certificate_authority: Some(pem.into()), ..self }
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
}
