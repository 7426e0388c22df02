//! `apportion restore`: the store out of a backup, while no server runs on it.

use crate::store::backup;
use std::path::PathBuf;

/// Make the store of a data directory out of a backup; no server may run there
#[derive(clap::Args)]
pub(super) struct Args {
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
pub(super) fn run(args: &Args) -> Result<bool, String> {
    backup::restore(&args.file, &args.data_dir, args.replace).map_err(|error| error.to_string())?;
    println!("restored {} to {}", args.file.display(), args.data_dir.display());
    Ok(true)
}
