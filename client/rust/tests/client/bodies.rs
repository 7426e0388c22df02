//! Bodies that the reqwest middleware reads ahead: what they decide, and that the caller gets the whole of them.

use crate::fake::{Answer, Fake};
use apportion_client::reqwest::PermitMiddleware;
use apportion_client::signals::{
    BodyMatch, BodyText, ResponseMatch, Signals, ThrottleEffect, ThrottleSignal,
};
use apportion_client::{Config, Quota, Request};
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::reqwest::{Client, Response, redirect::Policy};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LONG: Duration = Duration::from_secs(30);
const JOBS: &str = r#"{"errors":[{"code":"jobs"}]}"#;

/// A provider that answers one request with these parts, and pauses after each.
async fn provider(parts: Vec<String>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/contacts", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.read(&mut [0; 4096]).await;
        for part in parts {
            let _ = stream.write_all(part.as_bytes()).await;
            tokio::time::sleep(pause).await;
        }
    });
    url
}

/// A refusal with a body of this length.
fn head(length: usize) -> String {
    format!("HTTP/1.1 429 Refused\r\nx-kept: yes\r\ncontent-length: {length}\r\n\r\n")
}

/// Signals by which a refusal is a throttle, unless it is about jobs.
fn signals() -> Signals {
    let body = vec![BodyMatch { path: "errors[0].code".into(), text: Some(BodyText::Equals("jobs".into())) }];
    let throttle = |body, effect: ThrottleEffect| ThrottleSignal {
        response: Some(ResponseMatch { statuses: vec![429], body, ..ResponseMatch::default() }),
        effect: effect.into(),
        ..ThrottleSignal::default()
    };
    let throttles =
        vec![throttle(body, ThrottleEffect::Unrelated), throttle(vec![], ThrottleEffect::Exhausted)];
    Signals { throttles, ..Signals::default() }
}

/// Sends one request. The result is its response, and whether a throttle was reported by the time it was there.
async fn sent(url: &str) -> (Response, bool) {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = Quota::connect(Config::new(fake.url()).interpreter(signals())).expect("a configuration");
    let http = Client::builder().redirect(Policy::none()).build().expect("a client");
    let middleware = PermitMiddleware::new((quota.clone(), Request::new()));
    let response =
        ClientBuilder::new(http).with(middleware).build().get(url).send().await.expect("a response");
    quota.close().await;
    let is_throttled =
        fake.settles().iter().flat_map(|settle| &settle.observations).any(|seen| seen.throttled);
    (response, is_throttled)
}

#[tokio::test]
async fn a_body_decides_and_the_caller_gets_it_with_its_head() {
    let url = provider(vec![head(JOBS.len()), JOBS.into()], Duration::from_millis(5)).await;
    let (response, is_throttled) = sent(&url).await;
    assert!(!is_throttled);
    assert_eq!((response.url().as_str(), response.status().as_u16()), (url.as_str(), 429));
    assert_eq!(response.headers()["x-kept"], "yes");
    assert_eq!(response.content_length(), Some(JOBS.len() as u64));
    assert!(response.remote_addr().is_some());
    assert_eq!(response.text().await.expect("a body"), JOBS);
}

#[tokio::test]
async fn a_long_body_is_read_ahead_in_part_and_the_caller_gets_all_of_it() {
    let text = format!("{JOBS}{}", " ".repeat(100_000));
    let (response, is_throttled) =
        sent(&provider(vec![head(text.len()) + &text], Duration::ZERO).await).await;
    assert!(is_throttled, "it is too long to be looked at");
    assert_eq!(response.text().await.expect("a body"), text);
}

#[tokio::test]
async fn a_slow_body_does_not_delay_the_response() {
    let url = provider(vec![head(JOBS.len()) + "{", JOBS[1..].into()], Duration::from_secs(1)).await;
    let start = Instant::now();
    let (response, is_throttled) = sent(&url).await;
    assert!(start.elapsed() < Duration::from_millis(800), "after {:?}", start.elapsed());
    assert!(is_throttled);
    assert_eq!(response.text().await.expect("a body"), JOBS);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_of_the_body() {
    let (response, is_throttled) = sent(&provider(vec![head(9) + "half"], Duration::ZERO).await).await;
    assert!(is_throttled);
    assert_eq!(response.status().as_u16(), 429);
    assert!(response.bytes().await.is_err());
}
