//! `apportion top`: a workspace as it runs, live in the terminal, or once as text.

mod columns;
mod draw;
mod feed;
mod live;
mod model;
mod screen;
mod text;

use crate::admin::{Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use model::View;
use screen::{Link, Screen};
use std::io::IsTerminal;

/// Show a workspace as it runs: its windows, and who is granted what
///
/// Keys: q quits, s sorts, arrows scroll, p pauses. Permits are those of the window now; WAITING are permits that are waited for,
/// SHARE is what the weight gives among those who compete, KEPT is kept because the team will probably ask, P50 and P99 are waits
/// of the last minute in the team's slowest priority, REFUSED are requests of the last minute. NO_COLOR is heeded.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The id of the workspace
    #[arg(default_value = "default", value_parser = crate::admin::id)]
    workspace: String,
    /// Print it once, as text (JSON with --json), as is done where standard output is no terminal
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        // What is refused for good is told before the screen is taken.
        let first = feed::first(args).await?;
        if args.once || args.connection.json || !std::io::stdout().is_terminal() {
            once(args, &first);
            Ok(())
        } else {
            live::run(args, &first).await
        }
        .map(|()| true)
    })
}

/// Prints the snapshot. Who reads no further, as `head` does, is no error.
fn once(args: &Args, snapshot: &v1::WorkspaceSnapshot) {
    let view = View::new(snapshot);
    if args.connection.json {
        terminal::json(&model::json(&view));
    } else {
        terminal::block(&draw::text(&Screen { view, link: Link::Printed, ..Screen::default() }));
    }
}
