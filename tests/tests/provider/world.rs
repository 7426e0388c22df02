//! A provider on a clock that is moved by hand, and a client of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apportion_tests::provider::{Provider, Report, Rules};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A multiple of every window used here, in milliseconds since the Unix epoch.
pub(crate) const BASE_MS: u64 = 1_700_000_000_000;

/// A provider on a clock that is moved by hand.
pub(crate) struct World {
    pub(crate) provider: Provider,
    now_ms: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let now_ms = Arc::new(AtomicU64::new(BASE_MS));
        let clock = Arc::clone(&now_ms);
        let clock = Box::new(move || clock.load(Ordering::SeqCst) * 1_000_000);
        let provider = Provider::start_at(([127, 0, 0, 1], 0).into(), rules, clock).expect("a provider");
        Self { provider, now_ms }
    }

    pub(crate) fn at(&self, ms: u64) {
        self.now_ms.store(BASE_MS + ms, Ordering::SeqCst);
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(&self.provider).await
    }
}

/// One connection to a provider.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// The parts of a response that the tests check.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Limit, remaining and reset; the reset is counted from the base.
    pub(crate) limits: [Option<u64>; 3],
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) async fn new(provider: &Provider) -> Self {
        let stream = TcpStream::connect(provider.address()).await.expect("a connection");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { sender }
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, team: &str, body: String) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "provider");
        let request = request.header("X-Team", team).body(Full::new(Bytes::from(body))).unwrap();
        self.sender.ready().await.expect("an open connection");
        let response = self.sender.send_request(request).await.expect("a response");
        let header = |name| response.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
        let limits = [
            header("X-RateLimit-Limit"),
            header("X-RateLimit-Remaining"),
            header("X-RateLimit-Reset").map(|reset| reset.wrapping_sub(BASE_MS / 1000)),
        ];
        let (status, retry_after) = (response.status(), header("Retry-After"));
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, limits, retry_after, body: serde_json::from_slice(&body).expect("JSON") }
    }

    pub(crate) async fn call(&mut self) -> Answer {
        self.send(Method::GET, "/contacts", "web", String::new()).await
    }

    pub(crate) async fn control(&mut self, change: Value) -> Answer {
        self.send(Method::POST, "/_control", "", change.to_string()).await
    }

    pub(crate) async fn report(&mut self) -> Report {
        let answer = self.send(Method::GET, "/_report", "", String::new()).await;
        serde_json::from_value(answer.body).expect("a report")
    }
}

/// Fails unless the tallies of teams and windows add up to the total.
pub(crate) fn assert_adds_up(report: &Report) {
    let total = report.total;
    assert_eq!(total.accepted + total.throttled, total.arrivals);
    assert_eq!(total.by_limit + total.by_job_cap + total.by_lock + total.by_force, total.throttled);
    assert_eq!(report.teams.0.values().map(|team| team.arrivals).sum::<u64>(), total.arrivals);
    let windows: Vec<_> = report.windows.iter().chain([&report.open]).collect();
    assert_eq!(windows.iter().map(|window| window.tally.arrivals).sum::<u64>(), total.arrivals);
    assert_eq!(windows.iter().map(|window| window.tally.over_limit).sum::<u64>(), total.over_limit);
    for window in windows {
        assert_eq!(window.teams.0.values().map(|team| team.arrivals).sum::<u64>(), window.tally.arrivals);
    }
}
