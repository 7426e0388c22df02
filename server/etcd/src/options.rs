//! Where etcd is, and how to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// The members, each as `host:port`; at least one.
    pub members: Vec<String>,
    /// The certificates; `None`: no TLS.
    pub tls: Option<TlsFiles>,
    /// The user; `None` where etcd asks for none.
    pub login: Option<Login>,
    /// How long one attempt of a call that is no stream may take.
    pub call_timeout: Duration,
}

/// PEM files of a client.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsFiles {
    /// The CA certificates of etcd.
    pub ca: PathBuf,
    /// The certificate and the private key of the client; `None` where etcd asks for none.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A user and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}
