//! How the log is written.

/// How the log is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// Text or JSON.
    pub format: LogFormat,
    /// The least severity that is logged.
    pub level: LogLevel,
}

/// The format of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human-readable lines.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The least severity that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// What may need attention.
    Warn,
    /// Rare events.
    #[default]
    Info,
    /// Events of each request.
    Debug,
    /// Everything.
    Trace,
}
