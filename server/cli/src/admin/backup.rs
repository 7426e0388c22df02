//! `apportion backup`: a consistent copy of the store, from a running server or from a data directory.

use super::landing::Landing;
use crate::connection::{Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use apportion_proto::v1::backup_store_response::Part;
use apportion_server::store::embedded::FILE;
use apportion_server::store::{self, backup};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The size of a read from the store of a directory, in bytes.
const CHUNK: usize = 64 << 10;

/// Write a consistent copy of the store to a file while the server keeps serving
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File to write; it appears only once the backup is complete
    file: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// Read the store from this data directory instead of a server; no server may use it
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command. Returns false where something in the store is damaged.
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
        _ = tokio::signal::ctrl_c() => return Err("interrupted: no backup was written".into()),
    };
    let size = landing.place()?;
    let unreadable = backup::check(&args.file);
    let unreadable = unreadable
        .map_err(|error| format!("{} was written but is not a valid backup: {error}", args.file.display()))?;
    unreadable.iter().for_each(|found| terminal::error(&format!("damaged in the store: {found}")));
    let (file, sum) = (args.file.display(), sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if args.connection.json {
        let file = file.to_string();
        terminal::json(&serde_json::json!({ "file": file, "size_bytes": size, "sha256": sum }));
    } else {
        terminal::line(&format!("backed up to {file}: {size} bytes, sha256 {sum}"));
    }
    Ok(unreadable.is_empty())
}

/// Receives the copy of a server. Returns its checksum.
async fn from_server(connection: &Connection, landing: &mut Landing) -> Result<Vec<u8>, String> {
    let mut client = connection.client().await?;
    let parts = client.backup_store(v1::BackupStoreRequest {}).await;
    let mut parts = parts.map_err(|status| refused(&status))?.into_inner();
    let mut taken = Taken::default();
    loop {
        let message = parts.message().await.map_err(|status| refused(&status))?;
        let written = taken.take(message.as_ref(), &mut |chunk| landing.write(chunk))?;
        if let Some(sum) = written {
            return Ok(sum);
        }
    }
}

/// The part of a copy that was received.
#[derive(Default)]
struct Taken {
    sum: Sha256,
    size: u64,
}

impl Taken {
    /// Takes the next message; `None` is the end of the stream. Returns the checksum once the copy is complete.
    fn take(
        &mut self,
        message: Option<&v1::BackupStoreResponse>,
        write: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Option<Vec<u8>>, String> {
        match message.and_then(|message| message.part.as_ref()) {
            Some(Part::Chunk(chunk)) => {
                self.sum.update(chunk);
                self.size += chunk.len() as u64;
                write(chunk).map(|()| None)
            }
            Some(Part::End(end)) => {
                let sum = self.sum.clone().finalize().to_vec();
                let is_whole = (end.size_bytes, &end.sha256) == (self.size, &sum);
                is_whole.then_some(Some(sum)).ok_or_else(|| "the backup was corrupted in transit".into())
            }
            None => Err("the server ended the backup before it was complete".into()),
        }
    }
}

/// Copies the store of a directory that is not in use. Returns the checksum of the copy.
async fn from_directory(directory: &Path, landing: &mut Landing) -> Result<Vec<u8>, String> {
    let file = directory.join(FILE);
    if !file.exists() {
        return Err(format!("{} contains no store", directory.display()));
    }
    let opened =
        store::open(&store::StorePlace::Embedded(directory.to_owned())).map_err(|error| match error {
            store::StoreError::InUse(what) => {
                format!("a server uses {what}: omit --data-dir to back up from the server")
            }
            error => error.to_string(),
        })?;
    let mut copy = opened.store.copy().map_err(|error| error.to_string())?;
    let (mut sum, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match copy.read(&mut chunk).map_err(|error| error.to_string())? {
            0 => return Ok(sum.finalize().to_vec()),
            many => {
                sum.update(&chunk[..many]);
                landing.write(&chunk[..many])?;
                // Lets an interrupt end it.
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn no_stream_is_taken_for_a_copy_that_is_not_one() {
        let mut taken_well = 0_u64;
        let cases = apportion_fuzz::fuzz(|noise| {
            let sent = noise.bytes(400);
            let mut messages: Vec<_> = sent.chunks(64).map(|chunk| Part::Chunk(chunk.to_vec())).collect();
            let sha256 = Sha256::digest(&sent).to_vec();
            messages.push(Part::End(v1::BackupEnd { size_bytes: sent.len() as u64, sha256 }));
            let mut bytes: Vec<_> = messages
                .into_iter()
                .map(|part| v1::BackupStoreResponse { part: Some(part) }.encode_to_vec())
                .collect();
            for _ in 0..noise.below(3) {
                let at = noise.below(bytes.len());
                match noise.below(3) {
                    0 => bytes[at] = noise.changed(&bytes[at].clone()),
                    1 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes.swap(0, at),
                }
            }
            let (mut taken, mut landed) = (Taken::default(), Vec::new());
            let mut messages = bytes.iter().map(|bytes| v1::BackupStoreResponse::decode(&**bytes));
            loop {
                // One that is none ends the stream.
                let message = messages.next().and_then(Result::ok);
                let mut write = |chunk: &[u8]| {
                    landed.extend(chunk);
                    Ok(())
                };
                match taken.take(message.as_ref(), &mut write) {
                    Ok(None) => {}
                    Ok(Some(sum)) => {
                        assert_eq!(sum, Sha256::digest(&landed).to_vec());
                        taken_well += 1;
                        return assert_eq!(landed, sent);
                    }
                    Err(_) => return,
                }
            }
        });
        assert!(taken_well > cases / 10, "{taken_well} of {cases} came well: nothing was shown");
    }
}
