//! Snapshots from the server, with reconnects.

use super::args::Args;
use crate::connection::refused;
use crate::terminal::printable;
use apportion_proto::v1;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Streaming;

/// The first and the longest pause before a reconnect; it doubles in between.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// The time-out of connecting.
const PATIENCE: Duration = Duration::from_secs(10);

/// News of the workspace.
pub(super) enum News {
    /// The current state.
    Snapshot(Box<v1::WorkspaceSnapshot>),
    /// The connection was lost for this reason; the next attempt follows after this time.
    Lost(String, Duration),
    /// It reconnects.
    Trying,
}

/// The current state of the workspace.
pub(super) async fn first(args: &Args) -> Result<v1::WorkspaceSnapshot, String> {
    next(&mut open(args).await?).await
}

/// Sends the news until the receiver is closed.
pub(super) async fn follow(args: &Args, to: mpsc::Sender<News>) {
    let (shortest, longest) = PAUSE;
    let mut pause = shortest;
    loop {
        let why = match open(args).await {
            Ok(mut snapshots) => loop {
                match next(&mut snapshots).await {
                    Ok(snapshot) => {
                        pause = shortest;
                        if to.send(News::Snapshot(Box::new(snapshot))).await.is_err() {
                            return;
                        }
                    }
                    Err(why) => break why,
                }
            },
            Err(why) => why,
        };
        if to.send(News::Lost(printable(&why), pause)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
        if to.send(News::Trying).await.is_err() {
            return;
        }
    }
}

async fn open(args: &Args) -> Result<Streaming<v1::WatchWorkspaceResponse>, String> {
    let request = v1::WatchWorkspaceRequest { workspace: args.workspace.clone(), ..Default::default() };
    let opened = async {
        let mut client = args.connection.quota().await?;
        client.watch_workspace(request).await.map_err(|status| refused(&status))
    };
    let late = |_| format!("no answer within {} s", PATIENCE.as_secs());
    Ok(tokio::time::timeout(PATIENCE, opened).await.map_err(late)??.into_inner())
}

/// The next snapshot. Skips messages without one.
async fn next(
    snapshots: &mut Streaming<v1::WatchWorkspaceResponse>,
) -> Result<v1::WorkspaceSnapshot, String> {
    loop {
        match snapshots.message().await {
            Ok(Some(v1::WatchWorkspaceResponse { snapshot: Some(snapshot) })) => return Ok(snapshot),
            Ok(Some(_)) => {}
            Ok(None) => return Err("the server ended the stream".into()),
            Err(status) => return Err(refused(&status)),
        }
    }
}
