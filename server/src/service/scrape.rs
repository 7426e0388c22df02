//! A text that is written while it is sent: in pieces, apart from those who serve, and no faster than its reader reads.

use hyper::body::Bytes;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

/// The size of a piece, in bytes.
const PIECE_BYTES: usize = 16 << 10;
/// Pieces that are written and not read.
const AHEAD: usize = 2;
/// How long a reader may leave a piece. After that the writer gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A text that is being written, as its reader sees it.
#[derive(Debug)]
pub(crate) struct Scrape {
    pieces: mpsc::Receiver<Bytes>,
    is_whole: Arc<AtomicBool>,
    is_over: bool,
}

/// Where the text is written to.
#[derive(Debug)]
pub(super) struct Pieces {
    text: String,
    to: mpsc::Sender<Bytes>,
    runtime: Handle,
    end: CancellationToken,
}

impl Scrape {
    /// Starts to write in a thread that may block, until it is told to end. The permit is held until the writer has ended, which tells
    /// so.
    pub(super) fn start(
        permit: OwnedSemaphorePermit,
        end: CancellationToken,
        write: impl FnOnce(&mut Pieces) -> fmt::Result + Send + 'static,
    ) -> Self {
        let (to, pieces) = mpsc::channel(AHEAD);
        let is_whole = Arc::new(AtomicBool::new(false));
        let (runtime, written) = (Handle::current(), Arc::clone(&is_whole));
        tokio::task::spawn_blocking(move || {
            let _held = (permit, end.clone().drop_guard());
            let mut pieces = Pieces { text: String::with_capacity(2 * PIECE_BYTES), to, runtime, end };
            if write(&mut pieces).and_then(|()| pieces.send()).is_ok() {
                written.store(true, Ordering::Release);
            }
        });
        Self { pieces, is_whole, is_over: false }
    }

    /// The next piece; none at the end. One that is not the whole text ends with an error.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self.pieces.recv().await {
            Some(piece) => Some(Ok(piece)),
            None if self.is_over || self.is_whole.load(Ordering::Acquire) => None,
            None => {
                self.is_over = true;
                Some(Err(io::Error::other("the text was not written to its end")))
            }
        }
    }
}

impl Pieces {
    /// Lets others run for a moment.
    ///
    /// # Errors
    /// Where the text is not to be written any more.
    pub(super) fn pause(&self, moment: Duration) -> fmt::Result {
        self.runtime.block_on(tokio::time::sleep(moment));
        if self.end.is_cancelled() || self.to.is_closed() { Err(fmt::Error) } else { Ok(()) }
    }

    fn send(&mut self) -> fmt::Result {
        let piece = Bytes::copy_from_slice(self.text.as_bytes());
        self.text.clear();
        self.runtime.block_on(async {
            tokio::select! {
                () = self.end.cancelled() => Err(fmt::Error),
                sent = tokio::time::timeout(PATIENCE, self.to.send(piece)) => match sent {
                    Ok(Ok(())) => Ok(()),
                    _ => Err(fmt::Error),
                },
            }
        })
    }
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() < PIECE_BYTES { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_text_comes_whole_and_in_pieces_and_one_that_fails_says_so() {
        let room = Arc::new(Semaphore::new(1));
        for fails in [false, true] {
            let permit = Arc::clone(&room).acquire_owned().await.expect("it is open");
            let mut scrape = Scrape::start(permit, CancellationToken::new(), move |pieces| {
                (0..40_000).try_for_each(|n| writeln!(pieces, "{n:07}"))?;
                if fails { Err(fmt::Error) } else { Ok(()) }
            });
            let (mut bytes, mut pieces, mut failed) = (0, 0, false);
            while let Some(piece) = scrape.next().await {
                match piece {
                    Ok(piece) => (bytes, pieces) = (bytes + piece.len(), pieces + 1),
                    Err(_) => failed = true,
                }
            }
            assert_eq!(failed, fails);
            assert!(
                pieces >= 4 && bytes <= 40_000 * 8 && (fails || bytes == 40_000 * 8),
                "{pieces}, {bytes}"
            );
        }
    }

    #[tokio::test]
    async fn a_writer_whose_reader_has_gone_ends() {
        let room = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&room).acquire_owned().await.expect("it is open");
        drop(Scrape::start(permit, CancellationToken::new(), |pieces| {
            loop {
                writeln!(pieces, "{:0100}", 1)?;
            }
        }));
        let _again = room.acquire().await.expect("the writer let it go");
    }
}
