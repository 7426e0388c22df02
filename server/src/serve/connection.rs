//! One connection: its TLS handshake, its preface, its calls, and when it is closed because nothing is called on it.

use super::call::{Answered, Arriving, Call};
use super::driven::{Arrivals, Driven};
use super::listen::{Place, Served};
use super::services::Answer;
use crate::service::deadline;
use apportion_core::time::Span;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::server::{Connected, TcpConnectInfo, TlsConnectInfo};

/// How many bytes of one request stream may be on their way unread.
const STREAM_WINDOW: u32 = 64 << 10;
/// How many of one connection. HTTP/2 closes a connection, with every call on it, where small frames that nobody read yet cost more
/// than half of this, at up to 256 bytes a frame: a whole stream window of the smallest requests of an Exchange costs less.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What every HTTP/2 connection begins with, in bytes (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;
/// How long a connection has to end in good order, once it is told that it is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a connection stands, for those who decide whether it stays.
#[derive(Debug)]
pub(super) struct Standing {
    /// Calls that have come in whole and are not answered.
    calls: AtomicU32,
    /// Whether a call was let in, ever.
    let_in: AtomicBool,
    /// When its last call that was let in ended, or else when it was opened.
    idle_since: Mutex<Instant>,
    closed: CancellationToken,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self {
            calls: AtomicU32::new(0),
            let_in: AtomicBool::new(false),
            idle_since: Mutex::new(Instant::now()),
            closed: CancellationToken::new(),
        }
    }

    pub(super) fn begin(&self) {
        self.calls.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end(&self) {
        self.calls.fetch_sub(1, Ordering::AcqRel);
    }

    /// A call that was let in has ended.
    pub(super) fn was_of_use(&self) {
        self.let_in.store(true, Ordering::Release);
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is worth to keep it: the least is closed first.
    pub(super) fn worth(&self) -> (bool, bool, bool, Instant) {
        let is_busy = self.calls.load(Ordering::Acquire) > 0;
        (self.closed.is_cancelled(), is_busy, self.let_in.load(Ordering::Acquire), self.idle_since())
    }

    /// Closes it at once, unless a call is open on it.
    pub(super) fn close(&self) {
        if self.calls.load(Ordering::Acquire) == 0 {
            self.closed.cancel();
        }
    }

    /// Until nothing has been called for so long.
    async fn idle(&self, most: Duration) {
        loop {
            let is_busy = self.calls.load(Ordering::Acquire) > 0;
            let end = if is_busy { Instant::now() } else { self.idle_since() } + most;
            if Instant::now() >= end {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Debug)]
enum Peer {
    Plain(TcpConnectInfo),
    Secure(TlsConnectInfo<TcpConnectInfo>),
}

impl Peer {
    /// Tells the request who sent it.
    fn stand_in(self, request: &mut Request<Incoming>) {
        match self {
            Self::Plain(peer) => drop(request.extensions_mut().insert(peer)),
            Self::Secure(peer) => drop(request.extensions_mut().insert(peer)),
        }
    }
}

/// A connection that is served.
#[derive(Debug)]
pub(super) struct Connection {
    served: Served,
    standing: Arc<Standing>,
    _place: Place,
}

impl Connection {
    pub(super) fn new(served: Served, standing: Arc<Standing>, place: Place) -> Self {
        Self { served, standing, _place: place }
    }

    /// Serves it until it is closed, by whomever. One that breaks concerns nobody but its client.
    pub(super) async fn serve(self, stream: TcpStream) {
        let closed = self.standing.closed.clone();
        tokio::select! {
            () = closed.cancelled() => {}
            () = self.begin(stream) => {}
        }
    }

    /// Spends nothing on a client that says nothing: both TLS and HTTP/2 begin with what the client sends.
    async fn begin(&self, stream: TcpStream) {
        let end = Instant::now() + self.arrival();
        let said = tokio::select! {
            () = self.served.halt.cancelled() => return,
            said = tokio::time::timeout_at(end, stream.readable()) => said,
        };
        match said {
            // What serves a connection is large.
            Ok(Ok(())) => Box::pin(self.handshake(stream, end)).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
            Err(_) => tracing::debug!("a connection said nothing"),
        }
    }

    /// Serves a stream that has begun; its TLS handshake, or without TLS its preface, has to have come at `end`.
    async fn handshake(&self, stream: TcpStream, end: Instant) {
        let Some(certificates) = &self.served.certificates else {
            let peer = Peer::Plain(stream.connect_info());
            return self.http(stream, peer, end).await;
        };
        let from = stream.peer_addr().ok();
        let secured = TlsAcceptor::from(certificates.current()).accept(stream);
        match tokio::time::timeout_at(end, secured).await {
            Ok(Ok(stream)) => {
                let peer = Peer::Secure(stream.connect_info());
                self.http(stream, peer, Instant::now() + self.arrival()).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                if refuses_a_certificate(&error) {
                    self.served.gate.guesses().note_handshake(from);
                }
            }
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// How long a handshake, a preface and a request may each take.
    fn arrival(&self) -> Duration {
        Duration::from_secs(self.served.limits.arrival_seconds.into())
    }

    /// Serves HTTP/2, whose preface has to have come at `end`.
    async fn http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, peer: Peer, end: Instant) {
        let heard = CancellationToken::new();
        let stream = Heard { stream, missing: PREFACE_BYTES, heard: heard.clone() };
        let calls = service_fn(|mut request| {
            peer.clone().stand_in(&mut request);
            let call = Call::of(&request, &self.standing);
            let request = request.map(|body| Arriving::new(body, call.clone(), self.arrival()));
            let most = deadline::of_call(request.headers());
            answer(self.served.services.call(request), most, call)
        });
        let arrivals = Arrivals::default();
        let connection = self.builder(arrivals.clone()).serve_connection(TokioIo::new(stream), calls);
        let mut http = Driven::new(connection, arrivals);
        let is_over = async {
            // Without a preface there is nobody to take leave of.
            tokio::time::timeout_at(end, heard.cancelled()).await?;
            self.standing.idle(Duration::from_secs(self.served.limits.idle_seconds.into())).await;
            Ok::<_, tokio::time::error::Elapsed>(())
        };
        tokio::select! {
            _ = &mut http => return,
            () = self.served.halt.cancelled() => {
                http.connection.as_mut().graceful_shutdown();
                let _ = http.await;
                return;
            }
            over = is_over => {
                if over.is_err() {
                    return;
                }
            }
        }
        http.connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(LAST_WORDS, http).await;
    }

    fn builder(&self, arrivals: Arrivals) -> http2::Builder<Arrivals> {
        let limits = &self.served.limits;
        let keep_alive = Duration::from_secs(limits.keep_alive_seconds.into());
        let mut builder = http2::Builder::new(arrivals);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_per_connection)
            .max_header_list_size(limits.header_bytes)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(limits.pending_resets as usize)
            .max_local_error_reset_streams(limits.error_resets as usize)
            .keep_alive_interval(keep_alive)
            .keep_alive_timeout(keep_alive);
        builder
    }
}

/// Whether a handshake failed for the certificate of the client.
fn refuses_a_certificate(error: &io::Error) -> bool {
    let why = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(why, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// Waits for the answer to a call, within the time that its caller gave it.
async fn answer(
    answer: Answer,
    most: Option<Span>,
    call: Option<Arc<Call>>,
) -> Result<Response<Answered>, Infallible> {
    let answer = match most {
        None => answer.await?,
        Some(most) => match tokio::time::timeout(Duration::from_nanos(most.as_ns()), answer).await {
            Ok(answer) => answer?,
            Err(_) => Status::deadline_exceeded("the deadline of the call has passed").into_http(),
        },
    };
    Ok(Answered::new(answer, call))
}

/// A stream that tells when the preface has come.
struct Heard<S> {
    stream: S,
    missing: usize,
    heard: CancellationToken,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
            if self.missing == 0 {
                self.heard.cancel();
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
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
