//! `apportion cluster`.

mod seen;

mod change;
mod show;

use crate::argument::id;
use crate::connection::Connection;
use change::Patience;
use seen::cluster;

/// The commands for the nodes of a cluster.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the nodes, their shards, shards that move, and pins
    Status {
        #[command(flatten)]
        connection: Connection,
    },
    /// Have a node hand all its shards over and claim none; it keeps passing calls on
    Drain {
        /// Node name
        #[arg(value_parser = id)]
        node: String,
        /// End the drain: the node gets its shards back
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        patience: Patience,
        #[command(flatten)]
        connection: Connection,
    },
    /// Move the shard of a workspace to a node and pin it there; other workspaces of the shard move too
    Move {
        /// Workspace id
        #[arg(value_parser = id)]
        workspace: String,
        /// Node name
        #[arg(value_parser = id, required_unless_present = "undo", conflicts_with = "undo")]
        node: Option<String>,
        /// End the pin: the shard goes back to the node that it prefers
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        patience: Patience,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Runs the command. False where what was asked for had not happened in time.
pub(super) async fn run(command: &Command) -> Result<bool, String> {
    match command {
        Command::Status { connection } => {
            let cluster = cluster(&mut connection.client().await?).await?;
            show::status(&cluster, connection.json);
            Ok(true)
        }
        Command::Drain { node, undo: false, patience, connection } => {
            change::drain(node, *patience, connection).await
        }
        Command::Drain { node, patience, connection, .. } => {
            change::undrain(node, *patience, connection).await
        }
        Command::Move { workspace, node: Some(node), patience, connection, .. } => {
            change::move_to(workspace, node, *patience, connection).await
        }
        Command::Move { workspace, patience, connection, .. } => {
            change::release(workspace, *patience, connection).await
        }
    }
}
