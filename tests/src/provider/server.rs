//! The HTTP/1.1 server around the count: connections, the moment of arrival, latency, the control paths.

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

use super::Clock;
use super::counter::{Counter, Verdict, WINDOWS_KEPT};
use super::headers;
use super::report::Report;
use super::rules::{Change, Rules};
use crate::random::Random;

/// Most connections that are open at once; beyond it, new ones wait.
const CONNECTIONS_MAX: usize = 4096;
/// Most bytes of a request's body.
const BODY_MAX: usize = 1 << 20;
/// Longest time that a connection may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time that open requests have to be answered after the stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

type Answer = Response<Full<Bytes>>;

struct State {
    counter: Counter,
    random: Random,
}

/// The count, its clock, and what is random, shared by all connections.
pub(super) struct Shared {
    clock: Clock,
    state: Mutex<State>,
}

/// What is to be answered to a request that was counted.
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

    /// Runs with the count and an instant that was read when nobody else could count: arrivals stand in order of time.
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

/// Serves until `stop` comes, then answers what is open.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = &mut stop => break,
            // Windows end on time though nobody calls.
            _ = tick.tick() => shared.with(|state, now_ns| state.counter.advance(now_ns)),
            (stream, place) = accepted(&listener, &room) => {
                let connection = connection(stream, &shared, &graceful);
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await;
}

async fn accepted(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let place = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            // Out of file descriptors, or a caller that went away at once.
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
    let service = service_fn(move |request| answered(Arc::clone(&shared), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    async move {
        // A caller that goes away in the middle is no fault of the provider.
        let _ = pin!(watched).await;
    }
}

/// Counts a request as soon as its head is read, before anything is waited for, and answers it.
fn answered(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Answer, Infallible>> {
    let counted = (!request.uri().path().starts_with("/_")).then(|| shared.arrive(&request));
    async move {
        match counted {
            None => Ok(controlled(&shared, request).await),
            Some(counted) => Ok(limited(&shared, request, &counted).await),
        }
    }
}

/// The answer of the provider to a request that is counted.
async fn limited(shared: &Shared, request: Request<Incoming>, counted: &Counted) -> Answer {
    let _ = Limited::new(request.into_body(), BODY_MAX).collect().await;
    if !counted.delay.is_zero() {
        tokio::time::sleep(counted.delay).await;
    }
    let throttled = counted.verdict.throttled.is_some();
    let status = if throttled { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    let mut answer = json_answer(status, &headers::body(&counted.rules, &counted.verdict));
    for (name, value) in headers::headers(&counted.rules, &counted.verdict) {
        answer.headers_mut().insert(name, HeaderValue::from(value));
    }
    shared.with(|state, now_ns| state.counter.sent(now_ns, &counted.verdict));
    answer
}

/// The answer to a request of the test itself, which is not counted.
async fn controlled(shared: &Shared, request: Request<Incoming>) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/_report") => {
            let last = request.uri().query().and_then(|query| query.strip_prefix("last=")?.parse().ok());
            json_answer(StatusCode::OK, &shared.report(last.unwrap_or(WINDOWS_KEPT)))
        }
        (&Method::GET, "/_control") => {
            json_answer(StatusCode::OK, &shared.with(|state, _| state.counter.rules().clone()))
        }
        (&Method::POST, "/_control") => match changed(shared, request).await {
            Ok(rules) => json_answer(StatusCode::OK, &rules),
            Err(why) => json_answer(StatusCode::BAD_REQUEST, &json!({"error": why})),
        },
        (_, "/_report" | "/_control") => json_answer(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "GET /_report, GET or POST /_control"}),
        ),
        _ => {
            json_answer(StatusCode::NOT_FOUND, &json!({"error": "only /_report and /_control start with _"}))
        }
    }
}

async fn changed(shared: &Shared, request: Request<Incoming>) -> Result<Rules, String> {
    let body =
        Limited::new(request.into_body(), BODY_MAX).collect().await.map_err(|error| error.to_string())?;
    let change = serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())?;
    shared.change(change)
}

fn json_answer(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(body).expect("plain structs become JSON");
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
