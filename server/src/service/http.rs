//! HTTP for those who watch: `/metrics`, `/healthz` (it runs) and `/readyz` (it grants). Read only, without secrets.

use super::gate::Gate;
use super::metrics::{CONTENT_TYPE, Metrics};
use crate::engine::Engine;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Most connections at once; beyond it, new ones wait.
const CONNECTIONS_MAX: usize = 64;
/// Longest time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to leave the listener alone after it failed, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Answer = Response<Full<Bytes>>;

/// What is answered from.
#[derive(Debug)]
struct Pages {
    engine: Arc<Engine>,
    metrics: Metrics,
}

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener, engine: Arc<Engine>, gate: Arc<Gate>) {
    let pages = Arc::new(Pages { metrics: Metrics::new(Arc::clone(&engine), gate), engine });
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = pages.answer(request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            let http = http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            // A connection that breaks concerns nobody but its client.
            let _ = http.serve_connection(TokioIo::new(stream), answer).await;
            drop(place);
        });
    }
}

impl Pages {
    fn answer(&self, method: &Method, path: &str) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match path {
            "/metrics" => self.metrics(),
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" if self.engine.is_draining() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".into())
            }
            "/readyz" if !self.engine.clock().is_steady() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "the clock is unsteady\n".into())
            }
            "/readyz" => text(StatusCode::OK, "ok\n".into()),
            "/" => text(StatusCode::OK, "/metrics /healthz /readyz\n".into()),
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n".into()),
        }
    }

    fn metrics(&self) -> Answer {
        let Ok(metrics) = self.metrics.text() else {
            return text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n".into());
        };
        let mut answer = text(StatusCode::OK, metrics);
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        answer
    }
}

fn text(status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
