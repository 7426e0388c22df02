//! The HTTP/1.1 server around the count: connections, when a request arrives, latency, the control paths.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde::Serialize;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use super::clock::Clock;
use super::counter::{Counter, WINDOWS_KEPT};
use super::headers;
use super::report::Report;
use super::rules::{Change, Rules};
use super::verdict::Verdict;
use crate::random::Random;

/// Most open connections; further ones wait.
const CONNECTIONS_MAX: usize = 4096;
/// Most bytes of a request's body.
const BODY_MAX: usize = 1 << 20;
/// Longest time that a connection may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for open requests after the stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

type HttpResponse = Response<Full<Bytes>>;

struct State {
    counter: Counter,
    random: Random,
}

/// The count, its clock and the jitter, shared by all connections.
pub(super) struct Shared {
    clock: Clock,
    state: Mutex<State>,
}

/// A request that was counted, and how it is answered.
struct Counted {
    verdict: Verdict,
    rules: Rules,
    delay: Duration,
}

impl Shared {
    pub(super) fn new(rules: Rules, clock: Clock) -> Result<Self, String> {
        let random = Random::new(rules.seed);
        let counter = Counter::new(rules, clock())?;
        Ok(Self { clock, state: Mutex::new(State { counter, random }) })
    }

    /// Runs with the count and the present time, read under the lock: arrivals are in order of time.
    fn with<T>(&self, run: impl FnOnce(&mut State, u64) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = (self.clock)();
        run(&mut state, now_ns)
    }

    pub(super) fn change(&self, change: Change) -> Result<Rules, String> {
        self.with(|state, now_ns| {
            state.counter.change(now_ns, change)?;
            Ok(state.counter.rules().clone())
        })
    }

    pub(super) fn report(&self, last: usize) -> Report {
        self.with(|state, now_ns| state.counter.report(now_ns, last))
    }

    fn arrive(&self, request: &Request<Incoming>) -> Counted {
        let team = request.headers().get("x-team").and_then(|team| team.to_str().ok()).unwrap_or_default();
        self.with(|state, now_ns| {
            let verdict = state.counter.arrive(now_ns, team, request.uri().path());
            let rules = state.counter.rules().clone();
            let jitter_us = state.random.any() % (rules.jitter_ms * 1000 + 1);
            let delay = Duration::from_millis(rules.latency_ms) + Duration::from_micros(jitter_us);
            Counted { verdict, rules, delay }
        })
    }
}

/// Serves until `stop` resolves, then answers open requests.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = &mut stop => break,
            // Windows close on time even if no request comes.
            _ = tick.tick() => shared.with(|state, now_ns| state.counter.advance(now_ns)),
            (stream, slot) = accepted(&listener, &slots) => {
                let connection = connection(stream, &shared, &graceful);
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await;
}

async fn accepted(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            // Out of file descriptors, or the caller has closed the connection.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn connection(
    stream: TcpStream,
    shared: &Arc<Shared>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let _ = stream.set_nodelay(true);
    let shared = Arc::clone(shared);
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    async move {
        // A caller may close the connection at any time.
        let _ = pin!(watched).await;
    }
}

/// Counts a request as soon as its head is read, and answers it.
fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<HttpResponse, Infallible>> {
    let counted = (!request.uri().path().starts_with("/_")).then(|| shared.arrive(&request));
    async move {
        match counted {
            None => Ok(control(&shared, request).await),
            Some(counted) => Ok(api(&shared, request, &counted).await),
        }
    }
}

/// The response to a request that is counted.
async fn api(shared: &Shared, request: Request<Incoming>, counted: &Counted) -> HttpResponse {
    let _ = Limited::new(request.into_body(), BODY_MAX).collect().await;
    if !counted.delay.is_zero() {
        tokio::time::sleep(counted.delay).await;
    }
    let throttled = counted.verdict.throttled.is_some();
    let status = if throttled { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    let mut response = json_response(status, &headers::body(&counted.rules, &counted.verdict));
    for (name, value) in headers::headers(&counted.rules, &counted.verdict) {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    shared.with(|state, now_ns| state.counter.sent(now_ns, &counted.verdict));
    response
}

/// The response to a request of the test itself, which is not counted.
async fn control(shared: &Shared, request: Request<Incoming>) -> HttpResponse {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/_report") => {
            let last = request.uri().query().and_then(|query| query.strip_prefix("last=")?.parse().ok());
            json_response(StatusCode::OK, &shared.report(last.unwrap_or(WINDOWS_KEPT)))
        }
        (&Method::GET, "/_control") => {
            json_response(StatusCode::OK, &shared.with(|state, _| state.counter.rules().clone()))
        }
        (&Method::POST, "/_control") => match change(shared, request).await {
            Ok(rules) => json_response(StatusCode::OK, &rules),
            Err(why) => json_response(StatusCode::BAD_REQUEST, &json!({"error": why})),
        },
        (_, "/_report" | "/_control") => json_response(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "GET /_report, GET or POST /_control"}),
        ),
        _ => json_response(
            StatusCode::NOT_FOUND,
            &json!({"error": "only /_report and /_control start with _"}),
        ),
    }
}

async fn change(shared: &Shared, request: Request<Incoming>) -> Result<Rules, String> {
    let body =
        Limited::new(request.into_body(), BODY_MAX).collect().await.map_err(|error| error.to_string())?;
    let change = serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())?;
    shared.change(change)
}

fn json_response(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    let text = serde_json::to_vec(body).expect("plain structs become JSON");
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
