//! `apportion backup`: a copy of the store as of one moment, from a server that runs or from its directory.

use super::connection::{Connection, refused};
use super::landing::Landing;
use crate::cli::terminal;
use crate::store::embedded::FILE;
use crate::store::{Embedded, backup};
use apportion_proto::v1;
use apportion_proto::v1::backup_store_response::Part;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes that are read at once from a directory's store.
const CHUNK: usize = 64 << 10;

/// Copy the store to a file, as it is at one moment, while the server goes on
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Where the backup is written; nothing appears there before it is whole
    file: PathBuf,
    /// Replace the file that is there
    #[arg(long)]
    force: bool,
    /// Read the store of this data directory, on which no server runs, instead of asking a server
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command: whether all that was copied can be read.
pub(super) async fn run(args: &Args) -> Result<bool, String> {
    let mut landing = Landing::new(&args.file, args.force)?;
    let got = async {
        match &args.data_dir {
            Some(directory) => from_directory(directory, &mut landing).await,
            None => from_server(&args.connection, &mut landing).await,
        }
    };
    let sum = tokio::select! {
        sum = got => sum?,
        _ = tokio::signal::ctrl_c() => return Err("interrupted: nothing was backed up".into()),
    };
    let size = landing.place()?;
    let unreadable = backup::check(&args.file);
    let unreadable = unreadable
        .map_err(|error| format!("{} was written and is no backup: {error}", args.file.display()))?;
    unreadable.iter().for_each(|found| terminal::complain(&format!("damaged in the store: {found}")));
    let (file, sum) = (args.file.display(), sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if args.connection.json {
        let file = file.to_string();
        terminal::json(&serde_json::json!({ "file": file, "size_bytes": size, "sha256": sum }));
    } else {
        terminal::line(&format!("backed up to {file}: {size} bytes, sha256 {sum}"));
    }
    Ok(unreadable.is_empty())
}

/// Takes the copy that a server sends, and returns its checksum.
async fn from_server(connection: &Connection, landing: &mut Landing) -> Result<Vec<u8>, String> {
    let mut client = connection.client().await?;
    let parts = client.backup_store(v1::BackupStoreRequest {}).await;
    let mut parts = parts.map_err(|status| refused(&status))?.into_inner();
    let mut sum = Sha256::new();
    loop {
        let message = parts.message().await.map_err(|status| refused(&status))?;
        match message.and_then(|message| message.part) {
            Some(Part::Chunk(chunk)) => {
                sum.update(&chunk);
                landing.write(&chunk)?;
            }
            Some(Part::End(end)) => {
                let sum = sum.finalize().to_vec();
                let is_whole = (end.size_bytes, &end.sha256) == (landing.size(), &sum);
                return is_whole.then_some(sum).ok_or_else(|| "what came is not what was sent".into());
            }
            None => return Err("the server ended the backup before it was whole".into()),
        }
    }
}

/// Copies the store of a directory that nobody uses, and returns the checksum of the copy.
async fn from_directory(directory: &Path, landing: &mut Landing) -> Result<Vec<u8>, String> {
    let file = directory.join(FILE);
    if !file.exists() {
        return Err(format!("{} holds no store", directory.display()));
    }
    let store = Embedded::open(directory).map_err(|error| match error {
        crate::store::StoreError::InUse(what) => {
            format!("a server uses {what}: leave --data-dir out, and it sends the backup")
        }
        error => error.to_string(),
    })?;
    let mut copy = store.copy().map_err(|error| error.to_string())?;
    let (mut sum, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match copy.read(&mut chunk).map_err(|error| error.to_string())? {
            0 => return Ok(sum.finalize().to_vec()),
            many => {
                sum.update(&chunk[..many]);
                landing.write(&chunk[..many])?;
                // Whoever wants to break it off is heard.
                tokio::task::yield_now().await;
            }
        }
    }
}
