//! The example service, as a module instead of a program.

use crate::fake::{Answer, Fake};
use crate::prefetch::settled;
use crate::reqwest::Provider;
use clap::Parser;
use std::time::Duration;

#[allow(dead_code)]
#[path = "../../examples/service.rs"]
mod service;

async fn run(fake: &Fake, provider: &Provider, more: &[&str]) -> Vec<(String, u64)> {
    let url = fake.url();
    let flags = ["service", "--apportion", &url, "--provider", &provider.url, "--team", "sync"];
    let flags = service::Flags::parse_from(flags.iter().chain(more));
    service::run(flags).await.expect("it runs").into_iter().collect()
}

#[tokio::test]
async fn a_permit_is_taken_for_each_request_and_the_rest_goes_back() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(Duration::from_secs(30)));
    let provider = Provider::start(&[200, 404], None).await;
    let ends = run(&fake, &provider, &["--workers", "3", "--requests", "12"]).await;
    assert_eq!(ends, [("answers with status 200".into(), 1), ("answers with status 404".into(), 11)]);
    assert_eq!((provider.counted(), settled(&fake).0), (12, 12));
}

#[tokio::test]
async fn the_service_ends_after_its_time() {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(Duration::from_secs(30)));
    let provider = Provider::start(&[200], None).await;
    let start = std::time::Instant::now();
    let ends = run(&fake, &provider, &["--seconds", "0.5"]).await;
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!(ends, [("answers with status 200".into(), provider.counted().into())]);
}
