//! Measures what permits cost that are taken at a steady rate: calls, and processor time of client and fake server together:
//! `cargo run --release --package apportion-client --example steady`.

#[allow(dead_code)]
#[path = "../tests/client/fake.rs"]
mod fake;

use apportion_client::{Config, PrefetchOptions, Quota, Request};
use fake::{Answer, Fake};
use std::time::Duration;

const SECONDS: u32 = 5;
const LONG: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for rate in [100, 1_000, 5_000] {
        steady(rate).await?;
    }
    Ok(())
}

async fn steady(rate: u32) -> Result<(), Box<dyn std::error::Error>> {
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG));
    let quota = Quota::connect(Config::new(fake.url()))?;
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    let timers_ns = pace(rate, async || ()).await;
    let permits_ns = pace(rate, async || drop(prefetch.permit().await)).await;
    drop(prefetch);
    quota.close().await;
    let permits = rate * SECONDS;
    let (acquires, batches) = (fake.acquires().len(), fake.batches());
    println!(
        "{rate} a second: {acquires} acquires and {batches} batches of reports for {permits} permits, {:.1} calls for 1000; \
         {} ns of processor time a permit",
        (acquires + batches) as f64 * 1_000.0 / f64::from(permits),
        permits_ns.saturating_sub(timers_ns) / i64::from(permits),
    );
    Ok(())
}

/// Does something at a steady rate, and returns the processor time that it took.
async fn pace(rate: u32, act: impl AsyncFn()) -> i64 {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let start = processor_ns();
    for _ in 0..rate * SECONDS {
        ticks.tick().await;
        act().await;
    }
    processor_ns() - start
}

#[cfg(target_os = "linux")]
fn processor_ns() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(not(target_os = "linux"))]
fn processor_ns() -> i64 {
    0
}
