//! The settings of `apportion serve`, out of flags, the environment, one file and defaults.

mod flags;
mod limits;
mod log;

mod error;
mod file;
mod secret;

mod clients;
mod cluster;
mod dev;
mod exposure;
mod resolve;
mod settings;

pub use crate::service::certificates::Binding;
pub use cluster::ClusterSettings;
pub use error::ConfigError;
pub use exposure::{Exposed, check_exposure};
pub use file::FileError;
pub use flags::Flags;
pub use limits::ServerLimits;
pub use log::{Log, LogFormat, LogLevel};
pub use secret::{ADMIN_TOKEN, Secret};
pub use settings::{Clients, Settings, Tls};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_cluster;
