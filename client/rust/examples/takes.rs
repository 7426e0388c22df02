//! Measures takes on one thread, including the check of the lease's end and refills in the background:
//! `cargo run --release --package apportion-client --example takes`.

#[allow(dead_code)]
#[path = "../tests/client/fake.rs"]
mod fake;

use apportion_client::pool::PermitPool;
use apportion_client::{Config, PrefetchOptions, Quota, Request, clock};
use fake::{Answer, Fake};
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: u32 = 200;
const TAKES: u32 = 100_000;
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure("reading the clock", || black_box(clock::now()).nanos() > 0);
    let pool = PermitPool::new(RUNS * TAKES, clock::now().after(HOUR));
    measure("taking from a lease", || pool.take(clock::now()));
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(HOUR));
    let quota = Quota::connect(Config::new(fake.url()))?;
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new().max_permits(1 << 28));
    for _ in 0..3 {
        measure("taking from a prefetch", || prefetch.try_permit().is_some());
    }
    println!("refilled {} times", fake.acquires().len());
    Ok(())
}

/// Measures many short runs. Other load on the machine disturbs the fastest ones least.
fn measure(what: &str, take: impl Fn() -> bool) {
    let mut runs = Vec::new();
    let mut taken = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        taken += (0..TAKES).filter(|_| take()).count();
        runs.push(start.elapsed().as_nanos() / u128::from(TAKES));
    }
    runs.sort_unstable();
    let all = RUNS * TAKES;
    println!(
        "{what}: {} ns each, in the fastest run {}; {taken} of {all} taken",
        runs[runs.len() / 2],
        runs[0]
    );
}
