//! The arguments of `apportion top`.

use crate::connection::Connection;

/// Show a live view of a workspace: its windows, and the permits of each team
///
/// Keys: q quits, s sorts, arrows scroll, p pauses. GRANTED, SHARE and KEPT are permits of the current window: SHARE follows from the
/// weights of the competing teams, KEPT is held back for expected demand. WAITING is the number of permits requested by waiting
/// requests. P50, P99 and REFUSED cover the last minute; the waits are those of the slowest priority. NO_COLOR is respected.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Workspace id
    #[arg(default_value = "default", value_parser = crate::argument::id)]
    pub(super) workspace: String,
    /// Print one snapshot as text, or as JSON with --json; implied if standard output is not a terminal
    #[arg(long)]
    pub(super) once: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}
