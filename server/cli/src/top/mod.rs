//! `apportion top`: a live view of a workspace in the terminal, or one snapshot as text.

mod args;
mod text;

mod model;
mod snapshot;
mod sort;

mod columns;
mod draw;
mod json;
mod screen;

mod feed;
mod live;

use crate::terminal;
use apportion_proto::v1;
pub(crate) use args::Args;
use model::View;
use screen::{Link, Screen};
use std::io::IsTerminal;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        // An error is reported before the terminal is taken.
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

/// Prints one snapshot.
fn once(args: &Args, snapshot: &v1::WorkspaceSnapshot) {
    let view = View::new(snapshot);
    if args.connection.json {
        terminal::json(&json::json(&view));
    } else {
        terminal::block(&draw::text(&Screen { view, link: Link::Printed, ..Screen::default() }));
    }
}
