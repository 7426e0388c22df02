//! Where the service is, who asks, and what happens while it is out of reach.

use std::time::Duration;
use thiserror::Error;

/// What a client does while the service cannot be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fallback {
    /// It refuses once the request has waited its time out. Nothing is sent that nobody granted.
    #[default]
    Deny,
    /// It goes on asking until the service is back, however long that takes.
    Wait,
    /// It grants by itself: so many permits in a window that begins with the first of them, then none for as long again. Its windows
    /// are not the provider's, so that pause is what keeps two shares out of one window of the provider. Give all instances of
    /// all services together less than the budget: nobody counts them.
    Share {
        /// Permits of one window.
        permits: u32,
        /// The length of a window.
        window: Duration,
    },
}

/// How a client is made.
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

/// What is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConfigError {
    /// The endpoint is no URL of gRPC.
    #[error("endpoint {0:?}: must be a URL such as http://127.0.0.1:7420: {1}")]
    Endpoint(String, String),
    /// The token cannot be sent.
    #[error("token: must be printable ASCII")]
    Token,
    /// TLS is asked for and not built in.
    #[error("https needs the feature `tls` of apportion-client")]
    NoTls,
    /// A window of no length.
    #[error("fallback: the window of a share must be longer than nothing")]
    Window,
}

impl Config {
    /// A client of the service at `endpoint`, such as `http://127.0.0.1:7420`, for the team `default` of the workspace
    /// `default`, without a token.
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

    /// Sends this bearer token.
    #[must_use]
    pub fn token(self, secret: impl Into<String>) -> Self {
        Self { token: Some(secret.into()), ..self }
    }

    #[cfg(feature = "tls")]
    /// Trusts this authority, in PEM, where the endpoint is one of https.
    #[must_use]
    pub fn certificate_authority(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { certificate_authority: Some(pem.into()), ..self }
    }

    /// Asks for this workspace.
    #[must_use]
    pub fn workspace(self, id: impl Into<String>) -> Self {
        Self { workspace: id.into(), ..self }
    }

    /// Asks for this team.
    #[must_use]
    pub fn team(self, id: impl Into<String>) -> Self {
        Self { team: id.into(), ..self }
    }

    /// Asks under this name: a steady one of the service or instance, not one for each request.
    #[must_use]
    pub fn caller(self, id: impl Into<String>) -> Self {
        Self { caller: id.into(), ..self }
    }

    /// Does this while the service cannot be reached.
    #[must_use]
    pub fn fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }
}
