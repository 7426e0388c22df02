//! The commands of administrators: a thin client of AdminService.

mod apply;
mod audit;
mod backup;
mod connection;
mod landing;
mod plan;
mod policy_file;
mod show;
mod team;
mod token;
mod unreached;
mod workspace;
mod write;

pub(crate) use connection::{Connection, refused};

use clap::Subcommand;

/// What is administered.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Workspaces: accounts at a provider, with their limits
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Teams: who competes for the budget of a workspace
    #[command(subcommand)]
    Team(team::Command),
    /// Tokens: the credentials of services and people
    #[command(subcommand)]
    Token(token::Command),
    /// Who changed what, the newest first
    Audit(audit::Args),
    Apply(apply::Args),
    Backup(backup::Args),
}

/// Runs a command against a server.
pub(crate) fn run(command: &Command) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        match command {
            Command::Workspace(command) => workspace::run(command).await,
            Command::Team(command) => team::run(command).await,
            Command::Token(command) => token::run(command).await,
            Command::Audit(args) => audit::run(args).await,
            Command::Apply(args) => return apply::run(args).await,
            Command::Backup(args) => return backup::run(args).await,
        }
        .map(|()| true)
    })
}

/// An id as it is typed. Lists show full names, so one of these is what people paste.
pub(crate) fn id(text: &str) -> Result<String, String> {
    match text.rsplit_once('/') {
        Some((_, last)) => Err(format!("an id is wanted, not a full name, such as {last:?}")),
        None => Ok(text.into()),
    }
}

/// A span of time as it is typed.
fn span(text: &str) -> Result<prost_types::Duration, String> {
    text.parse().map_err(|_| "seconds are wanted, such as 86400s".into())
}

/// An instant as it is typed.
fn instant(text: &str) -> Result<prost_types::Timestamp, String> {
    text.parse().map_err(|_| "an instant of RFC 3339 is wanted, such as 2026-01-31T12:00:00Z".into())
}

/// The value of a priority's name, such as `critical`.
fn priority(name: &str) -> Result<i32, String> {
    let full = format!("PRIORITY_{}", name.to_uppercase());
    let known = apportion_proto::v1::Priority::from_str_name(&full).filter(|_| name != "unspecified");
    known.map(i32::from).ok_or_else(|| "allowed are critical, default and sheddable".into())
}

/// The mask of what is set and what is cleared; none where that is nothing, and then nothing is changed.
fn mask(set: &[(&str, bool)], clear: &[String]) -> Result<prost_types::FieldMask, String> {
    let set = set.iter().filter(|(_, is_set)| *is_set).map(|(path, _)| (*path).to_owned());
    let paths: Vec<_> = set.chain(clear.iter().cloned()).collect();
    if paths.is_empty() {
        Err("nothing to change: name a field".into())
    } else {
        Ok(prost_types::FieldMask { paths })
    }
}
