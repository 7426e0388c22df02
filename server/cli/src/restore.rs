//! `apportion restore`: creates the store of a data directory from a backup.

use crate::terminal;
use apportion_server::store::{StoreError, backup};
use std::path::PathBuf;

/// Create the store of a data directory from a backup; no server may use the directory
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Backup to restore
    file: PathBuf,
    /// Data directory of the server
    #[arg(long)]
    data_dir: PathBuf,
    /// Replace an existing store
    #[arg(long)]
    replace: bool,
}

/// Restores the backup.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let file = args.file.display();
    // An error of the store would not name the backup.
    std::fs::File::open(&args.file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let unreadable =
        backup::restore(&args.file, &args.data_dir, args.replace).map_err(|error| match error {
            StoreError::InUse(what) => {
                format!("a server uses {what}: stop it first, after `apportion backup`")
            }
            StoreError::Exists(what) => format!("{what} already exists: use --replace to replace it"),
            error => error.to_string(),
        })?;
    unreadable.iter().for_each(|found| terminal::error(&format!("warning: {found}")));
    let to = args.data_dir.display();
    terminal::line(&format!("restored {file} to {to}; the current windows count as spent"));
    Ok(true)
}
