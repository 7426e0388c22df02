//! Random messages to every call of a running server, beside workers whose requests a provider counts: nothing panics, the workers
//! are served, and no window exceeds its limit.
//!
//! A fuzzer may lie about everything but the responses of the provider and the permits that it used: the server relies on those.

mod messages;
mod raw;

mod fuzzer;

use std::time::{Duration, Instant};

use apportion_tests::process::load::Load;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass, windows};
use apportion_tests::provider::{Provider, Rules};

use crate::fuzzer::Fuzzer;

/// How long this test and the fuzzing of the decoders take together, in seconds, unless `APPORTION_FUZZ_SECONDS` is set.
const SECONDS: u64 = 60;
/// Calls at once.
const FUZZERS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_nothing_panics_workers_are_served_and_no_window_is_exceeded() {
    let seconds = std::env::var("APPORTION_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS).div_ceil(2));
    let rules = Rules { latency_ms: 5, ..Rules::default() };
    let (provider, server) = (Provider::start(rules).expect("a provider"), Server::fresh());
    let steady = Workload { workers: 4, permits: 1, rest: Duration::from_millis(100), ..Workload::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[steady]);
    let end = Instant::now() + time;
    let fuzzers = (0..FUZZERS).map(|seed| {
        let mut fuzzer = Fuzzer::new(server.channel(), 0x4150_504f + seed, format!("fuzzer-{seed}"));
        tokio::spawn(async move {
            let mut calls = 0_u32;
            while Instant::now() < end {
                fuzzer.call().await;
                calls += 1;
            }
            calls
        })
    });
    let mut calls = 0;
    for fuzzer in fuzzers.collect::<Vec<_>>() {
        calls += fuzzer.await.expect("no panic");
    }
    server.has_not_panicked();
    pass(Duration::from_millis(200)).await;
    let log = load.stop().await;
    server.stop_cleanly();
    let report = provider.stop();
    nothing_throttled(&report);
    assert!(log.granted() > 10, "only {} granted", log.granted());
    println!("{calls} calls, {} granted\n{}", log.granted(), windows(&report));
}
