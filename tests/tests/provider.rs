//! The stand-in of a provider, called over real HTTP.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apportion_tests::provider::{Change, Provider, Report, Rules};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A multiple of every window used here, in milliseconds since the epoch.
const BASE_MS: u64 = 1_700_000_000_000;

/// A provider on a clock that is moved by hand.
struct World {
    provider: Provider,
    now_ms: Arc<AtomicU64>,
}

impl World {
    fn new(rules: Rules) -> Self {
        let now_ms = Arc::new(AtomicU64::new(BASE_MS));
        let clock = Arc::clone(&now_ms);
        let clock = Box::new(move || clock.load(Ordering::SeqCst) * 1_000_000);
        let provider = Provider::start_at(([127, 0, 0, 1], 0).into(), rules, clock).expect("a provider");
        Self { provider, now_ms }
    }

    fn at(&self, ms: u64) {
        self.now_ms.store(BASE_MS + ms, Ordering::SeqCst);
    }

    async fn client(&self) -> Client {
        Client::new(&self.provider).await
    }
}

/// One connection to a provider.
struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// A response, as far as the tests look at it.
struct Answer {
    status: StatusCode,
    /// Limit, remaining and reset, of which the reset is counted from the base.
    limits: [Option<u64>; 3],
    retry_after: Option<u64>,
    body: Value,
}

impl Client {
    async fn new(provider: &Provider) -> Self {
        let stream = TcpStream::connect(provider.address()).await.expect("a connection");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { sender }
    }

    async fn send(&mut self, method: Method, path: &str, team: &str, body: String) -> Answer {
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

    async fn call(&mut self) -> Answer {
        self.send(Method::GET, "/contacts", "web", String::new()).await
    }

    async fn control(&mut self, change: Value) -> Answer {
        self.send(Method::POST, "/_control", "", change.to_string()).await
    }

    async fn report(&mut self) -> Report {
        let answer = self.send(Method::GET, "/_report", "", String::new()).await;
        serde_json::from_value(answer.body).expect("a report")
    }
}

fn assert_adds_up(report: &Report) {
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

#[tokio::test]
async fn every_response_bears_limit_remaining_and_reset() {
    let world = World::new(Rules { limit: 2, ..Rules::default() });
    let mut client = world.client().await;
    assert_eq!(client.call().await.limits, [Some(2), Some(1), Some(10)]);
    world.at(9_999);
    assert_eq!(client.call().await.limits, [Some(2), Some(0), Some(10)]);
    let throttled = client.call().await;
    assert_eq!(
        (throttled.status, throttled.limits),
        (StatusCode::TOO_MANY_REQUESTS, [Some(2), Some(0), Some(10)])
    );
    world.at(10_000);
    let next = client.call().await;
    assert_eq!((next.status, next.limits), (StatusCode::OK, [Some(2), Some(1), Some(20)]));
    assert_adds_up(&world.provider.stop());
}

#[tokio::test]
async fn a_throttled_request_is_answered_in_the_words_of_intercom() {
    let world = World::new(Rules { limit: 1, ..Rules::default() });
    let mut client = world.client().await;
    let job = client.send(Method::POST, "/export/content/data", "web", "{}".into()).await;
    assert_eq!(job.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(job.body["errors"][0]["message"], "Exceeded rate limit of 1 pending message data export jobs");
    let full = client.call().await;
    let id = full.body["request_id"].as_str().expect("an id").to_owned();
    let error = json!({"code": "rate_limit_exceeded", "message": "Exceeded rate limit of 1 in 10_seconds"});
    assert_eq!(full.body, json!({"type": "error.list", "request_id": id, "errors": [error]}));
    assert_ne!(job.body["request_id"], id);
    assert_eq!((full.retry_after, job.retry_after), (None, None));
}

#[tokio::test]
async fn a_shifted_phase_shows_in_the_reset_rounded_as_told() {
    for (reset_rounded_down, resets) in [(false, [10, 14]), (true, [10, 13])] {
        let world = World::new(Rules { reset_rounded_down, ..Rules::default() });
        let mut client = world.client().await;
        world.at(5_000);
        assert_eq!(client.call().await.limits[2], Some(resets[0]));
        let rules = client.control(json!({"phase_ms": 3700})).await;
        assert_eq!((rules.status, &rules.body["phase_ms"]), (StatusCode::OK, &json!(3700)));
        world.at(6_000);
        assert_eq!(client.call().await.limits, [Some(166), Some(164), Some(resets[1])]);
        let report = client.report().await;
        assert_eq!(report.revisions[0].told_ns, Some((BASE_MS + 6_000) * 1_000_000));
        assert_adds_up(&report);
    }
}

#[tokio::test]
async fn a_changed_limit_shows_in_the_next_response() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    client.call().await;
    for (limit, remaining) in [(120, 118), (500, 497)] {
        client.control(json!({"limit": limit})).await;
        assert_eq!(client.call().await.limits[..2], [Some(limit), Some(remaining)]);
    }
    let report = client.report().await;
    assert!(report.revisions.iter().all(|revision| revision.told_ns.is_some()));
    assert_eq!(report.revisions[1].change, Change { limit: Some(500), ..Change::default() });
}

#[tokio::test]
async fn others_lower_what_remains_without_being_arrivals() {
    let world = World::new(Rules { limit: 100, others_percent: 30, ..Rules::default() });
    let mut client = world.client().await;
    world.at(9_999);
    assert_eq!(client.call().await.limits[1], Some(69));
    let report = client.report().await;
    assert_eq!((report.total.arrivals, report.open.others), (1, 30));
}

#[tokio::test]
async fn a_lock_out_says_how_long_it_lasts() {
    let world = World::new(Rules { limit: 1, penalty_after: 1, penalty_ms: 29_500, ..Rules::default() });
    let mut client = world.client().await;
    client.call().await;
    client.call().await;
    world.at(10_000);
    let locked = client.call().await;
    assert_eq!((locked.status, locked.retry_after), (StatusCode::TOO_MANY_REQUESTS, Some(20)));
    world.at(29_500);
    assert_eq!(client.call().await.status, StatusCode::OK);
}

#[tokio::test]
async fn forced_throttling_hits_as_many_requests_as_told() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    client.control(json!({"force_429": 2})).await;
    let mut throttled = 0;
    for _ in 0..5 {
        throttled += u32::from(client.call().await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(throttled, 2);
    assert!(client.report().await.revisions[0].told_ns.is_some());
}

#[tokio::test]
async fn a_change_that_is_not_understood_is_refused_by_name_and_changes_nothing() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    for (change, word) in
        [(json!({"limits": 5}), "limits"), (json!({"limit": 0}), "limit"), (json!("no object"), "no object")]
    {
        let refused = client.control(change).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body["error"].as_str().expect("a reason").contains(word));
    }
    assert_eq!(client.send(Method::DELETE, "/_report", "", String::new()).await.status, 405);
    assert_eq!(client.send(Method::GET, "/_else", "", String::new()).await.status, 404);
    let report = client.report().await;
    assert_eq!((report.rules, report.total.arrivals), (Rules::default(), 0));
}

#[tokio::test]
async fn two_hundred_requests_at_once_are_each_counted_once() {
    let world = World::new(Rules { latency_ms: 2, jitter_ms: 5, ..Rules::default() });
    let mut calls = Vec::new();
    for number in 0..200_u32 {
        let mut client = world.client().await;
        let team = ["sync", "crm", "desk"][number as usize % 3];
        calls.push(tokio::spawn(async move {
            client.send(Method::POST, "/conversations", team, "{}".into()).await.status
        }));
    }
    let mut accepted = 0;
    for call in calls {
        accepted += u64::from(call.await.expect("an answer") == StatusCode::OK);
    }
    assert_eq!(accepted, 166);
    let report = world.provider.stop();
    assert_adds_up(&report);
    assert_eq!((report.total.arrivals, report.answered, report.total.accepted), (200, 200, 166));
    assert_eq!((report.total.over_limit, report.open.counted), (34, 200));
    let teams: Vec<_> = report.teams.0.values().map(|team| team.arrivals).collect();
    assert_eq!(teams, [67, 66, 67]);
}

#[tokio::test]
async fn a_request_is_counted_though_its_caller_goes_away() {
    let world = World::new(Rules { latency_ms: 60_000, ..Rules::default() });
    let mut stream = std::net::TcpStream::connect(world.provider.address()).expect("a connection");
    stream.write_all(b"GET /contacts HTTP/1.1\r\nHost: p\r\n\r\n").expect("sent");
    while world.provider.report().total.arrivals == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    let report = world.provider.stop();
    assert_eq!((report.total.accepted, report.answered), (1, 0));
}

#[tokio::test]
async fn windows_of_the_machines_clock_end_on_time_and_are_all_reported() {
    let rules = Rules { limit: 5, window_ms: 200, phase_ms: 70, ..Rules::default() };
    let provider = Provider::start(rules).expect("a provider");
    let mut client = Client::new(&provider).await;
    while provider.report().windows.len() < 3 {
        client.call().await;
    }
    let report = provider.stop();
    assert_adds_up(&report);
    for (window, next) in report.windows.iter().zip(report.windows.iter().skip(1)) {
        assert_eq!(window.start_ns % 200_000_000, 70_000_000);
        assert_eq!(window.end_ns, next.start_ns);
        assert!(window.tally.accepted <= 5);
        assert!(window.last_arrival_ns.is_none_or(|at_ns| at_ns < window.end_ns));
    }
    let full = &report.windows[1];
    assert_eq!((full.tally.accepted, full.tally.throttled), (5, full.tally.over_limit));
}

#[tokio::test]
async fn a_stopped_provider_listens_no_more() {
    let world = World::new(Rules::default());
    let address = world.provider.address();
    let mut idle = world.client().await;
    idle.call().await;
    world.provider.stop();
    assert!(TcpStream::connect(address).await.is_err());
}
