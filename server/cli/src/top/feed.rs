//! Snapshots as they come, and a server that is asked again when it goes away.

use super::Args;
use super::refused;
use crate::terminal::printable;
use apportion_proto::v1;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Streaming;

/// The pause before the server is asked again: the first, and the longest of those that double.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a server may take to connect or to send a first snapshot.
const PATIENCE: Duration = Duration::from_secs(10);

/// News of the workspace.
pub(super) enum News {
    /// What it looks like now.
    Snapshot(Box<v1::WorkspaceSnapshot>),
    /// The server is gone, for that reason, and is asked again after that time.
    Lost(String, Duration),
    /// It is asked again.
    Trying,
}

/// What the workspace looks like now.
pub(super) async fn first(args: &Args) -> Result<v1::WorkspaceSnapshot, String> {
    next(&mut open(args).await?).await
}

/// Tells the news for as long as anybody listens.
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

/// The next snapshot. One that bears none says nothing.
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
