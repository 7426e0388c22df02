//! The settings of a server for development and tests: in memory, on loopback, without credentials.

use super::error::ConfigError;
use super::file;
use super::flags::Flags;
use super::settings::Settings;
use std::net::SocketAddr;

impl Settings {
    /// The settings of a server for development. What would keep data, let others in or ask for a credential is refused, wherever
    /// it is set. HTTP is served on a free port unless one is named, so that many such servers run side by side.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or a setting is not allowed.
    pub fn dev(flags: &Flags, admin_token: Option<&str>) -> Result<Self, ConfigError> {
        let file = flags.config.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let keeps_data = flags.data_dir.is_some() || file.data_dir.is_some();
        let names_http = flags.http_listen.is_some() || file.http_listen.is_some();
        let mut settings = Self::resolve(flags, file, None)?;
        if !names_http {
            settings.http_listen.set_port(0);
        }
        let set = [
            ("data_dir", keeps_data),
            ("store", settings.cluster.is_some()),
            ("tls", settings.tls.is_some()),
            ("insecure", settings.insecure),
            ("APPORTION_ADMIN_TOKEN", admin_token.is_some_and(|secret| !secret.is_empty())),
        ];
        if let Some((name, _)) = set.iter().find(|(_, is_set)| *is_set) {
            return Err(ConfigError::NotForDev(name));
        }
        let beyond = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
        for (name, address) in [("listen", settings.listen), ("http_listen", settings.http_listen)] {
            if beyond(address) {
                return Err(ConfigError::DevExposed { name, address });
            }
        }
        Ok(settings)
    }
}
