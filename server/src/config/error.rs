//! What is wrong with the settings.

use super::file::FileError;
use std::net::SocketAddr;

/// Invalid settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is invalid.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bound of 0.
    #[error("{0}: must be at least 1")]
    Zero(&'static str),
    /// A value above its bound.
    #[error("{name}: must be at most {most}")]
    TooMuch {
        /// The setting.
        name: &'static str,
        /// The most that is allowed.
        most: u32,
    },
    /// A secret that could be guessed, or that is invalid in a header.
    #[error(
        "APPORTION_ADMIN_TOKEN: must be 16 to 1024 printable characters without spaces, such as the output of `openssl rand -hex 32`"
    )]
    AdminToken,
    /// A setting of a cluster that is missing, invalid, or of no use.
    #[error("{name}: {why}")]
    Cluster {
        /// The setting.
        name: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Only one of certificate and key.
    #[error("tls: cert and key must be set together; {0} is missing")]
    HalfTls(&'static str),
    /// Only a part of what nodes need for TLS between them.
    #[error("peer_tls: cert, key and ca must be set together; {0} is missing")]
    PartOfPeerTls(&'static str),
    /// Settings of client certificates without a CA.
    #[error("tls: {0} requires client_ca")]
    NoClientCa(&'static str),
    /// An invalid binding of a name to a role.
    #[error("tls.client {san:?}: {why}")]
    Client {
        /// The name.
        san: String,
        /// What is wrong.
        why: String,
    },
    /// A setting that a server for development does not have.
    #[error(
        "--dev: {0} must not be set: the server keeps its data in memory, listens on loopback and asks for no credential"
    )]
    NotForDev(&'static str),
    /// An address on which a server for development does not listen.
    #[error("--dev: {name}: {address} is not a loopback address")]
    DevExposed {
        /// The setting.
        name: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Too many names.
    #[error("tls.client: {count} names, at most {most}")]
    TooManyClients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}
