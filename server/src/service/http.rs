//! HTTP for monitoring: `/metrics`, `/healthz` (the process runs) and `/readyz` (send requests here: not draining, clock steady,
//! store reachable). Read only, and open to whoever reaches the address: metrics name workspaces and teams.
//!
//! Connections are bounded in number and lifetime: one more closes the oldest, so a client that does not read keeps no other out.

use super::gate::Gate;
use super::metrics::{CONTENT_TYPE, Metrics};
use crate::engine::Engine;
use crate::leases::LeaseRouter;
use futures_util::{Stream, stream};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Most connections at once; beyond it, the oldest is closed.
const CONNECTIONS_MAX: usize = 64;
/// The longest life of a connection.
const LIFE: Duration = Duration::from_secs(60);
/// Longest time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after the listener failed, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Most closed workspaces that the page of readiness names.
const CLOSED_MAX: usize = 20;

/// The pieces of a text that is written while it is sent.
type Pieces = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>;
type Answer = Response<Either<Full<Bytes>, StreamBody<Pieces>>>;

/// What the pages show.
#[derive(Debug)]
struct Pages {
    engine: Arc<Engine>,
    metrics: Metrics,
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, engine: Arc<Engine>, leases: LeaseRouter, gate: Arc<Gate>) {
    let pages = Arc::new(Pages { metrics: Metrics::new(Arc::clone(&engine), leases, gate), engine });
    let mut connections = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        oldest_first.retain(|connection| !connection.is_finished());
        if oldest_first.len() >= CONNECTIONS_MAX {
            oldest_first.pop_front().inspect(AbortHandle::abort);
        }
        let connection = tokio::time::timeout(LIFE, connection(Arc::clone(&pages), stream));
        oldest_first.push_back(connections.spawn(async { drop(connection.await) }));
    }
}

async fn connection(pages: Arc<Pages>, stream: TcpStream) {
    let answer = service_fn(|request: Request<Incoming>| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.answer(request.method(), request.uri().path()).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let http = http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    // A broken connection concerns only its client.
    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
}

impl Pages {
    async fn answer(&self, method: &Method, path: &str) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match path {
            "/metrics" => self.metrics().await,
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.trouble() {
                Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
                None => text(StatusCode::OK, format!("ok\n{}", self.closed())),
            },
            "/" => text(StatusCode::OK, "/metrics /healthz /readyz\n"),
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n"),
        }
    }

    /// Why requests should go to another server.
    fn trouble(&self) -> Option<&'static str> {
        if self.engine.is_draining() {
            Some("draining\n")
        } else if !self.engine.clock().is_steady() {
            Some("the clock is unsteady\n")
        } else if self.engine.is_store_lost() {
            Some("the store is lost: only booked permits are granted\n")
        } else {
            None
        }
    }

    /// The workspaces that are closed for what the store holds of them, a line each. They are no reason to send requests elsewhere.
    fn closed(&self) -> String {
        let unusable = self.engine.unusable();
        let lines = unusable.iter().take(CLOSED_MAX).map(|(id, why)| format!("{id} is closed: {why}\n"));
        let more = unusable.len().saturating_sub(CLOSED_MAX);
        let more = (more > 0).then(|| format!("{more} more workspaces are closed\n"));
        lines.chain(more).collect()
    }

    async fn metrics(&self) -> Answer {
        let Some(scrape) = self.metrics.scrape().await else {
            let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at once\n");
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return answer;
        };
        let pieces = stream::unfold(scrape, |mut scrape| async move {
            let piece = scrape.next().await?;
            Some((piece.map(Frame::data), scrape))
        });
        let mut answer = Response::new(Either::Right(StreamBody::new(Box::pin(pieces) as Pieces)));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        answer
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
