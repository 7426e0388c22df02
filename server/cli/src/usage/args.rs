//! The arguments of `apportion usage`.

use crate::argument;
use crate::connection::Connection;
use std::time::Duration;

/// Report who used what of a workspace: granted, refused, waited and returned, by team, caller or priority
///
/// The server keeps minutes for an hour, hours for eight days and days for 90, and writes them once a minute.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Workspace id
    #[arg(long, default_value = "default", value_parser = argument::id)]
    pub(super) workspace: String,
    /// How far back, such as 30m, 24h or 7d
    #[arg(long, default_value = "1h", value_parser = argument::ago)]
    pub(super) since: Duration,
    /// What each row is about
    #[arg(long, value_enum, default_value_t = Grouping::Team)]
    pub(super) by: Grouping,
    /// Report each minute, hour or day by itself
    #[arg(long, value_enum)]
    pub(super) each: Option<Interval>,
    /// Only this team [default: all]
    #[arg(long, value_parser = argument::id)]
    pub(super) team: Option<String>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// What a row is about.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    Team,
    Caller,
    Priority,
}

/// How long the time of one report is.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    Minute,
    Hour,
    Day,
}
