//! Backups: a copy of the store at one moment, streamed to the caller in pieces. No caller names a file of the server.

use super::change_error::catalog_error;
use super::policies::Policies;
use crate::error::Error;
use crate::service::authorize::Identity;
use crate::store::{Store, StoreError};
use apportion_core::time::Span;
use apportion_proto::v1;
use apportion_proto::v1::backup_store_response::Part;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Bytes of one piece.
const CHUNK: usize = 64 << 10;
/// BackupStream that are read ahead of the one that is sent.
const AHEAD: usize = 2;
/// How long a reader may take for a piece.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);
/// When to retry where another backup is under way.
const RETRY_AFTER: Span = Span::from_secs(1);
/// How long a caller waits for its turn: longer than it takes to notice that the previous caller is gone.
const TURN: Duration = Duration::from_secs(2);
/// The resource in audit entries.
const RESOURCE: &str = "store";

/// The pieces of one copy.
pub(super) type BackupStream = ReceiverStream<Result<v1::BackupStoreResponse, Status>>;

/// The store that is copied, for one caller at a time.
#[derive(Clone)]
pub(super) struct Backups {
    store: Arc<dyn Store>,
    turn: Arc<Semaphore>,
}

impl Backups {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, turn: Arc::new(Semaphore::new(1)) }
    }

    /// Writes the audit entry, copies the store, and starts to send the copy. A caller that goes away frees the turn once the copy
    /// is made.
    pub(super) async fn start(
        &self,
        policies: &Arc<Policies>,
        who: Arc<Identity>,
    ) -> Result<BackupStream, Error> {
        let full = Error::ServerFull { what: "backups at once", most: 1, retry_after: RETRY_AFTER };
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turn).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(full)?;
        let (policies, store) = (Arc::clone(policies), Arc::clone(&self.store));
        let copied = tokio::task::spawn_blocking(move || {
            policies.note(&who, "BackupStore", RESOURCE)?;
            let file = store.copy().map_err(not_copied)?;
            Ok(Copy { open: Some((file, turn)), sum: Sha256::new(), size: 0 })
        });
        let copy = copied.await.unwrap_or(Err(Error::Internal("the copy of the store panicked")))?;
        let (to, pieces) = mpsc::channel(AHEAD);
        tokio::spawn(send(copy, to));
        Ok(ReceiverStream::new(pieces))
    }
}

fn not_copied(error: StoreError) -> Error {
    tracing::error!(%error, "the store cannot be copied");
    match error {
        StoreError::Closed(_) => catalog_error(&error.into()),
        error => Error::NotCopied { why: error.to_string() },
    }
}

/// A copy that is sent, and the turn that it holds.
struct Copy {
    /// None once it was read: a caller that has the end may request another backup at once.
    open: Option<(File, OwnedSemaphorePermit)>,
    sum: Sha256,
    size: u64,
}

impl Copy {
    /// The next piece; the end after the last one. Blocks, at the end for as long as the disk takes to free the copy.
    fn next(&mut self) -> io::Result<Part> {
        let mut chunk = Vec::with_capacity(CHUNK);
        if let Some((file, _)) = &mut self.open {
            file.take(CHUNK as u64).read_to_end(&mut chunk)?;
        }
        if chunk.is_empty() {
            self.open = None;
            let sha256 = self.sum.clone().finalize().to_vec();
            return Ok(Part::End(v1::BackupEnd { size_bytes: self.size, sha256 }));
        }
        self.sum.update(&chunk);
        self.size += chunk.len() as u64;
        Ok(Part::Chunk(chunk))
    }
}

/// Sends the pieces, each when there is room for it, until the reader is gone or too slow.
async fn send(mut copy: Copy, to: mpsc::Sender<Result<v1::BackupStoreResponse, Status>>) {
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let part = copy.next();
            (copy, part)
        });
        let Ok((back, part)) = read.await else { return };
        copy = back;
        let is_last = !matches!(part, Ok(Part::Chunk(_)));
        let message = match part {
            Ok(part) => Ok(v1::BackupStoreResponse { part: Some(part) }),
            Err(error) => Err(not_copied(error.into()).status(&crate::status::ErrorScope::default())),
        };
        let taken = tokio::time::timeout(PIECE_TIMEOUT, to.send(message)).await;
        if is_last || !matches!(taken, Ok(Ok(()))) {
            let _ = tokio::task::spawn_blocking(move || drop(copy)).await;
            return;
        }
    }
}
