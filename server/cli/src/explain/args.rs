//! The arguments of `apportion explain`.

use crate::argument;
use crate::connection::Connection;
use apportion_proto::v1;

/// Explain what would become of a request now, and why: what is left, what is kept for whom, and which rule stops it
///
/// The rules that decide on requests compute the answer on a copy. Nothing is granted, and nothing changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Workspace id
    #[arg(long, default_value = "default", value_parser = argument::id)]
    pub(super) workspace: String,
    /// Team id
    #[arg(long, default_value = "default", value_parser = argument::id)]
    pub(super) team: String,
    /// Caller within the team
    #[arg(long, default_value = "default")]
    pub(super) caller: String,
    /// Priority: critical, default or sheddable [default: that of the team]
    #[arg(long, value_parser = argument::priority)]
    pub(super) priority: Option<v1::Priority>,
    /// Number of permits
    #[arg(long, default_value_t = 1)]
    pub(super) permits: u32,
    /// Smallest number of permits to accept [default: all]
    #[arg(long)]
    pub(super) min_permits: Option<u32>,
    /// How long the request may wait, such as 30s [default: one window of the shortest limit]
    #[arg(long, value_parser = argument::span)]
    pub(super) max_wait: Option<prost_types::Duration>,
    #[command(flatten)]
    pub(super) connection: Connection,
}
