//! The load: unary gRPC calls of prepared messages over HTTP/2, the same for every server. Each answer is checked.

use super::messages::Calls;
use crate::service::processor_time;
use futures_util::future::try_join_all;
use h2::client::SendRequest;
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tonic::codegen::{Bytes, http};

/// Connections that many calls are spread over.
const CONNECTIONS: usize = 8;
/// The length of one measurement, and of the warm-up before it.
const SPAN: Duration = Duration::from_millis(800);
const WARM_UP: Duration = Duration::from_millis(200);
/// Flow control never holds an answer back.
const STREAM_BYTES: u32 = 1 << 20;
const CONNECTION_BYTES: u32 = 1 << 26;

/// The figures of one measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figure {
    /// Calls per second of the server's processor time.
    pub(super) per_processor_second: f64,
    /// The mean time of a call, in microseconds.
    pub(super) mean_us: f64,
}

/// Calls to one server.
pub(super) struct Load {
    address: SocketAddr,
    pid: u32,
    calls: Calls,
    request: http::Request<()>,
    /// The message of the next call.
    next: Cell<usize>,
    done: Cell<u64>,
}

impl Load {
    pub(super) fn new(address: SocketAddr, pid: u32, calls: Calls) -> Self {
        let request = http::Request::post(format!("http://{address}{}", calls.path))
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .body(())
            .expect("a request");
        Self { address, pid, calls, request, next: Cell::new(0), done: Cell::new(0) }
    }

    /// Sends each message once, so that the server creates its state for each key.
    pub(super) async fn touch_each(&self) -> Result<(), String> {
        let connection = self.connect().await?;
        let once = self.calls.messages.iter().map(|message| self.call(&connection, message));
        // All at once: each may wait for the disk.
        try_join_all(once).await?;
        Ok(())
    }

    /// Keeps so many calls in flight for a while.
    pub(super) async fn run(&self, in_flight: usize) -> Result<Figure, String> {
        let connections = try_join_all((0..CONNECTIONS.min(in_flight)).map(|_| self.connect())).await?;
        self.run_for(&connections, in_flight, WARM_UP).await?;
        let before = (processor_time(self.pid), self.done.get(), Instant::now());
        self.run_for(&connections, in_flight, SPAN).await?;
        let took = before.2.elapsed().as_secs_f64();
        let calls = (self.done.get() - before.1) as f64;
        let processor = processor_time(self.pid).saturating_sub(before.0) as f64;
        Ok(Figure {
            per_processor_second: calls * 1e9 / processor,
            mean_us: took * 1e6 * in_flight as f64 / calls,
        })
    }

    async fn run_for(
        &self,
        connections: &[SendRequest<Bytes>],
        callers: usize,
        span: Duration,
    ) -> Result<(), String> {
        let until = Instant::now() + span;
        let caller = |n: usize| self.caller(&connections[n % connections.len()], until);
        try_join_all((0..callers).map(caller)).await?;
        Ok(())
    }

    async fn caller(&self, connection: &SendRequest<Bytes>, until: Instant) -> Result<(), String> {
        while Instant::now() < until {
            let at = self.next.replace((self.next.get() + 1) % self.calls.messages.len());
            self.call(connection, &self.calls.messages[at]).await?;
            self.done.set(self.done.get() + 1);
        }
        Ok(())
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, String> {
        let socket = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut settings = h2::client::Builder::new();
        settings.initial_window_size(STREAM_BYTES).initial_connection_window_size(CONNECTION_BYTES);
        let (sender, connection) = settings.handshake(socket).await.map_err(|error| error.to_string())?;
        // It ends when the last sender is dropped. A failure fails the calls.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    /// One call.
    ///
    /// # Errors
    ///
    /// The connection failed, or the server did not let the request pass.
    async fn call(&self, connection: &SendRequest<Bytes>, message: &Bytes) -> Result<(), String> {
        let (head, content, tail) =
            self.answer(connection, message).await.map_err(|error| error.to_string())?;
        let status = |fields: &http::HeaderMap| fields.get("grpc-status").cloned();
        let status = tail.as_ref().and_then(status).or_else(|| status(&head));
        let passes = content.get(5..).is_some_and(self.calls.passes);
        if status.as_ref().is_some_and(|status| status == "0") && passes {
            return Ok(());
        }
        Err(format!("{} did not let a request pass: {head:?} {content:?} {tail:?}", self.calls.path))
    }

    /// The head of an answer, its content, and its trailers.
    async fn answer(
        &self,
        connection: &SendRequest<Bytes>,
        message: &Bytes,
    ) -> Result<(http::HeaderMap, Bytes, Option<http::HeaderMap>), h2::Error> {
        let mut connection = connection.clone().ready().await?;
        let (answer, mut stream) = connection.send_request(self.request.clone(), false)?;
        stream.send_data(message.clone(), true)?;
        let (head, mut body) = answer.await?.into_parts();
        let mut content = Bytes::new();
        while let Some(piece) = body.data().await {
            let piece = piece?;
            body.flow_control().release_capacity(piece.len())?;
            content = if content.is_empty() { piece } else { [content, piece].concat().into() };
        }
        Ok((head.headers, content, body.trailers().await?))
    }
}
