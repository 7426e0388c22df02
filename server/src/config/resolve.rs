//! Where a setting comes from: flags and the environment come first, then the file, then the default.

use super::clients;
use super::cluster;
use super::error::ConfigError;
use super::file::{self, ConfigFile};
use super::flags::Flags;
use super::limits::ServerLimits;
use super::log::Log;
use super::secret::admin_token;
use super::settings::{Settings, Tls};
use crate::peer::PeerTls;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The longest drain of a server that stops, in seconds: as long as a request may wait.
const DRAIN_SECONDS_MAX: u32 = 3_600;

impl Settings {
    /// The settings from flags and environment, the file that they name, and the secret of [`super::ADMIN_TOKEN`].
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or a value is not allowed.
    pub fn load(flags: &Flags, admin_token: Option<String>) -> Result<Self, ConfigError> {
        let file = flags.config.as_deref().map(file::read).transpose()?.unwrap_or_default();
        Self::resolve(flags, file, admin_token)
    }

    pub(super) fn resolve(
        flags: &Flags,
        file: ConfigFile,
        secret: Option<String>,
    ) -> Result<Self, ConfigError> {
        let loopback = |port| SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        let insecure = flags.insecure.or(file.insecure).unwrap_or(false);
        Ok(Self {
            cluster: cluster::cluster(flags, &file, insecure)?,
            tls: tls(flags, &file)?,
            peer_tls: peer_tls(flags, &file)?,
            peer_listen: flags.peer_listen.or(file.peer_listen),
            data_dir: flags
                .data_dir
                .clone()
                .or(file.data_dir)
                .unwrap_or_else(|| PathBuf::from("./apportion-data")),
            listen: flags.listen.or(file.listen).unwrap_or(loopback(7420)),
            http_listen: flags.http_listen.or(file.http_listen).unwrap_or(loopback(7421)),
            insecure,
            log: Log {
                format: flags.log_format.or(file.log.format).unwrap_or_default(),
                level: flags.log_level.or(file.log.level).unwrap_or_default(),
            },
            limits: limits(flags, &file.limits)?,
            drain_seconds: at_most(
                "drain_seconds",
                flags.drain_seconds.or(file.drain_seconds).unwrap_or(10),
                DRAIN_SECONDS_MAX,
            )?,
            audit_entries: at_least_one(
                "audit_entries",
                flags.audit_entries.or(file.audit_entries).unwrap_or(100_000),
            )?,
            admin_token: secret.as_deref().map_or(Ok(None), admin_token)?,
        })
    }
}

fn tls(flags: &Flags, file: &ConfigFile) -> Result<Option<Tls>, ConfigError> {
    let either = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
    let clients = clients::clients(
        either(&flags.tls_client_ca, &file.tls.client_ca),
        flags.tls_client_optional.or(file.tls.client_optional),
        &file.tls.client,
    )?;
    match (either(&flags.tls_cert, &file.tls.cert), either(&flags.tls_key, &file.tls.key)) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert, key, clients })),
        (None, None) if clients.is_none() => Ok(None),
        (None, _) => Err(ConfigError::HalfTls("cert")),
        (Some(_), None) => Err(ConfigError::HalfTls("key")),
    }
}

fn peer_tls(flags: &Flags, file: &ConfigFile) -> Result<Option<PeerTls>, ConfigError> {
    let either = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
    let cert = either(&flags.peer_tls_cert, &file.peer_tls.cert);
    let key = either(&flags.peer_tls_key, &file.peer_tls.key);
    match (cert, key, either(&flags.peer_tls_ca, &file.peer_tls.ca)) {
        (Some(cert), Some(key), Some(ca)) => Ok(Some(PeerTls { cert, key, ca })),
        (None, None, None) => Ok(None),
        (None, ..) => Err(ConfigError::PartOfPeerTls("cert")),
        (_, None, _) => Err(ConfigError::PartOfPeerTls("key")),
        (.., None) => Err(ConfigError::PartOfPeerTls("ca")),
    }
}

fn limits(flags: &Flags, file: &file::LimitsTable) -> Result<ServerLimits, ConfigError> {
    let defaults = ServerLimits::DEFAULT;
    macro_rules! resolved {
        ($($field:ident),*) => {
            ServerLimits {
                $($field: at_least_one(
                    concat!("limits.", stringify!($field)),
                    flags.$field.or(file.$field).unwrap_or(defaults.$field),
                )?,)*
            }
        };
    }
    Ok(resolved!(
        streams_per_connection,
        message_bytes,
        header_bytes,
        connections,
        keep_alive_seconds,
        arrival_seconds,
        idle_seconds,
        pending_resets,
        error_resets,
        exchange_in_flight,
        workspaces,
        callers_per_team,
        watchers
    ))
}

fn at_most(name: &'static str, n: u32, most: u32) -> Result<u32, ConfigError> {
    if n > most { Err(ConfigError::TooMuch { name, most }) } else { Ok(n) }
}

fn at_least_one(name: &'static str, n: u32) -> Result<u32, ConfigError> {
    if n == 0 { Err(ConfigError::Zero(name)) } else { Ok(n) }
}
