//! One connection: its TLS handshake, its preface, its calls, and when it is closed for want of calls.

use super::activity::Activity;
use super::call::{Call, RequestBody, ResponseBody};
use super::driver::{Driver, NewCalls};
use super::preface::PrefaceStream;
use super::services::{ResponseFuture, Services};
use super::tls::Certificates;
use crate::config::ServerLimits;
use crate::service::deadline;
use crate::service::gate::Gate;
use apportion_core::time::Span;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::server::{Connected, TcpConnectInfo, TlsConnectInfo};

/// How many bytes of one request stream may be in flight unread.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// How many of one connection. HTTP/2 closes a connection, with every call on it, where small frames that nobody has read cost more
/// than half of this, at up to 256 bytes a frame: a whole stream window of the smallest requests of an Exchange costs less.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// How long a graceful shutdown of a connection may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Clone, Debug)]
pub(super) struct ConnectionContext {
    pub(super) services: Services,
    pub(super) limits: ServerLimits,
    /// None: no TLS.
    pub(super) certificates: Option<Arc<Certificates>>,
    /// Counts client certificates that are refused in the handshake.
    pub(super) gate: Arc<Gate>,
    /// Cancelled when no new calls are to be taken.
    pub(super) halt: CancellationToken,
}

/// The other end of a connection.
#[derive(Clone, Debug)]
enum Peer {
    Plain(TcpConnectInfo),
    Secure(TlsConnectInfo<TcpConnectInfo>),
}

impl Peer {
    /// Adds the sender to a request.
    fn add_to(self, request: &mut Request<Incoming>) {
        match self {
            Self::Plain(peer) => drop(request.extensions_mut().insert(peer)),
            Self::Secure(peer) => drop(request.extensions_mut().insert(peer)),
        }
    }
}

/// A connection that is served.
#[derive(Debug)]
pub(super) struct ServerConnection {
    context: ConnectionContext,
    activity: Arc<Activity>,
}

impl ServerConnection {
    pub(super) fn new(context: ConnectionContext, activity: Arc<Activity>) -> Self {
        Self { context, activity }
    }

    /// Serves it until either end closes it. A broken connection concerns its own client only.
    pub(super) async fn serve(self, stream: TcpStream) {
        let activity = Arc::clone(&self.activity);
        tokio::select! {
            () = activity.closed() => {}
            () = self.begin(stream) => {}
        }
    }

    /// Allocates nothing for a client that sends nothing: both TLS and HTTP/2 begin with what the client sends.
    async fn begin(&self, stream: TcpStream) {
        let end = Instant::now() + self.arrival_timeout();
        let readable = tokio::select! {
            () = self.context.halt.cancelled() => return,
            readable = tokio::time::timeout_at(end, stream.readable()) => readable,
        };
        match readable {
            // The future that serves a connection is large.
            Ok(Ok(())) => Box::pin(self.handshake(stream, end)).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
            Err(_) => tracing::debug!("a connection sent nothing"),
        }
    }

    /// Serves a stream that has begun. Its TLS handshake, or its preface where there is no TLS, must have arrived by `end`.
    async fn handshake(&self, stream: TcpStream, end: Instant) {
        let Some(certificates) = &self.context.certificates else {
            let peer = Peer::Plain(stream.connect_info());
            return self.http(stream, peer, end).await;
        };
        let address = stream.peer_addr().ok();
        let secured = TlsAcceptor::from(certificates.current()).accept(stream);
        match tokio::time::timeout_at(end, secured).await {
            Ok(Ok(stream)) => {
                let peer = Peer::Secure(stream.connect_info());
                self.http(stream, peer, Instant::now() + self.arrival_timeout()).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                if is_certificate_refused(&error) {
                    self.context.gate.guesses().note_handshake(address);
                }
            }
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// How long a handshake, a preface and a request may each take to arrive.
    fn arrival_timeout(&self) -> Duration {
        Duration::from_secs(self.context.limits.arrival_seconds.into())
    }

    /// Serves HTTP/2, whose preface must have arrived by `end`.
    async fn http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, peer: Peer, end: Instant) {
        let (stream, preface) = PrefaceStream::new(stream);
        let calls = service_fn(|mut request| {
            peer.clone().add_to(&mut request);
            let call = Call::of(&request, &self.activity);
            let request = request.map(|body| RequestBody::new(body, call.clone(), self.arrival_timeout()));
            let timeout = deadline::of_call(request.headers());
            respond(self.context.services.call(request), timeout, call)
        });
        let new_calls = NewCalls::default();
        let connection = self.builder(new_calls.clone()).serve_connection(TokioIo::new(stream), calls);
        let mut http = Driver::new(connection, new_calls);
        let expired = async {
            tokio::time::timeout_at(end, preface.cancelled()).await?;
            self.activity.idle_for(Duration::from_secs(self.context.limits.idle_seconds.into())).await;
            Ok::<_, tokio::time::error::Elapsed>(())
        };
        tokio::select! {
            _ = &mut http => return,
            () = self.context.halt.cancelled() => {
                http.connection.as_mut().graceful_shutdown();
                let _ = http.await;
                return;
            }
            expired = expired => {
                if expired.is_err() {
                    return; // without a preface there is no HTTP/2 to shut down
                }
            }
        }
        http.connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, http).await;
    }

    fn builder(&self, new_calls: NewCalls) -> http2::Builder<NewCalls> {
        let limits = &self.context.limits;
        let keep_alive = Duration::from_secs(limits.keep_alive_seconds.into());
        let mut builder = http2::Builder::new(new_calls);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_per_connection)
            .max_header_list_size(limits.header_bytes)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_pending_accept_reset_streams(limits.pending_resets as usize)
            .max_local_error_reset_streams(limits.error_resets as usize)
            .keep_alive_interval(keep_alive)
            .keep_alive_timeout(keep_alive);
        builder
    }
}

/// Whether a handshake failed for the certificate of the client.
fn is_certificate_refused(error: &io::Error) -> bool {
    let source = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(source, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// Waits for the response to a call, within the time that its caller set.
async fn respond(
    response: ResponseFuture,
    timeout: Option<Span>,
    call: Option<Arc<Call>>,
) -> Result<Response<ResponseBody>, Infallible> {
    let response = match timeout {
        None => response.await?,
        Some(timeout) => match tokio::time::timeout(Duration::from_nanos(timeout.as_ns()), response).await {
            Ok(response) => response?,
            Err(_) => Status::deadline_exceeded("the deadline of the call has passed").into_http(),
        },
    };
    Ok(ResponseBody::wrap(response, call))
}
