//! Many connections, connections that break, the realtime clock, and the end of the provider.

use std::io::Write;

use apportion_tests::provider::{Provider, Rules};
use hyper::{Method, StatusCode};
use tokio::net::TcpStream;

use crate::world::{Client, World, assert_adds_up};

#[tokio::test]
async fn concurrent_requests_are_each_counted_once() {
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
async fn a_request_is_counted_even_if_its_caller_disconnects() {
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
async fn windows_on_the_realtime_clock_end_on_time_and_are_all_reported() {
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
async fn a_stopped_provider_does_not_listen() {
    let world = World::new(Rules::default());
    let address = world.provider.address();
    let mut idle = world.client().await;
    idle.call().await;
    world.provider.stop();
    assert!(TcpStream::connect(address).await.is_err());
}
