//! The commands of administrators: a thin client of `AdminService`.

mod apply;
mod assignments;
mod audit;
mod backup;
mod cluster;
mod conditions;
mod domain;
mod flags;
mod landing;
mod plan;
mod policy_file;
mod secret;
mod show;
mod team;
mod token;
mod workspace;
mod write;

use clap::Subcommand;
use std::path::Path;

/// The commands of administrators.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Manage workspaces: accounts at a provider, with their rate limits
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Manage teams, which share the budget of a workspace
    #[command(subcommand)]
    Team(team::Command),
    /// Manage domains, by which Envoy calls a workspace
    #[command(subcommand)]
    Domain(domain::Command),
    /// Manage tokens, the credentials of services and people
    #[command(subcommand)]
    Token(token::Command),
    /// Show the nodes of a cluster, drain them, and move workspaces between them
    #[command(subcommand)]
    Cluster(cluster::Command),
    Audit(audit::Args),
    Apply(apply::Args),
    Backup(backup::Args),
}

/// Applies a policy file to a server that has just started on loopback.
///
/// # Errors
/// A human-readable message where the file is wrong or the server refuses it.
pub(crate) async fn load(server: &str, file: &Path) -> Result<(), String> {
    apply::load(server, file).await
}

/// Runs a command against a server.
pub(crate) fn run(command: &Command) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        match command {
            Command::Workspace(command) => workspace::run(command).await,
            Command::Team(command) => team::run(command).await,
            Command::Domain(command) => domain::run(command).await,
            Command::Token(command) => token::run(command).await,
            Command::Cluster(command) => return cluster::run(command).await,
            Command::Audit(args) => audit::run(args).await,
            Command::Apply(args) => return apply::run(args).await,
            Command::Backup(args) => return backup::run(args).await,
        }
        .map(|()| true)
    })
}
