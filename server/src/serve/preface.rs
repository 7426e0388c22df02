//! A byte stream that reports when the HTTP/2 preface has arrived.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// What every HTTP/2 connection begins with, in bytes (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;

/// A stream whose first bytes are counted.
pub(super) struct PrefaceStream<S> {
    stream: S,
    missing_bytes: usize,
    arrived: CancellationToken,
}

impl<S> PrefaceStream<S> {
    /// A stream, and what is cancelled once its preface has arrived.
    pub(super) fn new(stream: S) -> (Self, CancellationToken) {
        let arrived = CancellationToken::new();
        (Self { stream, missing_bytes: PREFACE_BYTES, arrived: arrived.clone() }, arrived)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PrefaceStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.missing_bytes > 0 {
            self.missing_bytes = self.missing_bytes.saturating_sub(buffer.filled().len() - before);
            if self.missing_bytes == 0 {
                self.arrived.cancel();
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PrefaceStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
