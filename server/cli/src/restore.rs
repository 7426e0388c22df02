//! `apportion restore`: the store out of a backup, while no server runs on it.

use crate::terminal;
use apportion_server::store::{StoreError, backup};
use std::path::PathBuf;

/// Make the store of a data directory out of a backup; no server may run there
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The backup
    file: PathBuf,
    /// The data directory
    #[arg(long)]
    data_dir: PathBuf,
    /// Replace the store that is there
    #[arg(long)]
    replace: bool,
}

/// Restores the backup.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let file = args.file.display();
    // The store would speak of its own disk.
    std::fs::File::open(&args.file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let unreadable =
        backup::restore(&args.file, &args.data_dir, args.replace).map_err(|error| match error {
            StoreError::InUse(what) => {
                format!("a server uses {what}: stop it first, and take the backup with `apportion backup`")
            }
            StoreError::Exists(what) => format!("{what} exists already: --replace replaces it"),
            error => error.to_string(),
        })?;
    unreadable.iter().for_each(|found| terminal::complain(&format!("warning: {found}")));
    let to = args.data_dir.display();
    terminal::line(&format!("restored {file} to {to}; windows that are open now count as spent"));
    Ok(true)
}
