//! The running service: a server on one processor, its load on the other, beside a server that only answers.

mod cores;
mod edges;
mod exchange;
mod idle;
mod noop;
mod parked;
mod setup;
mod takes;
mod unary;

use crate::measure::median;
use crate::row::row;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) use cores::{lower_priority, memory, on_server_core, processor_time};
pub(crate) use idle::{fill, fill_store};
pub(crate) use noop::serve as serve_noop;
pub(crate) use setup::{WORKSPACE, acquire, connect, create};
pub(crate) use unary::{Figures, measure_all};

/// Runs of each measurement.
const RUNS: usize = 5;
/// Calls in flight.
const IN_FLIGHT: [usize; 3] = [1, 64, 512];

/// Measures everything, and prints it.
pub(crate) fn table() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!();
    println!("{:<52} {:>14}   aim", "the client, and the service on one processor", "measured");
    takes::rows();
    runtime.block_on(async {
        let pair = setup::Pair::start().await;
        let mut yardstick = 0.0;
        for in_flight in IN_FLIGHT {
            yardstick = unary_rows(&pair, in_flight).await;
        }
        exchange_rows(&pair, yardstick).await;
        parked::rows().await;
        idle::rows();
    });
}

/// The latency of a steady team at the edges of windows: p50, p95 and p99.
pub(crate) fn edges() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{:<52} {:>14}   aim", "six windows; p50, p95, p99", "measured");
    runtime.block_on(edges::rows());
}

/// One load against the real server, for a profiler: `unary-64` has 64 calls in flight.
pub(crate) fn only(load: &str, seconds: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (name, in_flight) = load.split_once('-').unwrap_or((load, "512"));
    let in_flight: usize = in_flight.parse().unwrap_or(512);
    runtime.block_on(async {
        let pair = setup::Pair::start().await;
        let streamed = async |leases| exchange::per_cpu_second(pair.real, pair.real_pid, leases).await;
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            let figure = match name {
                "unary" => unary::measure(pair.real, pair.real_pid, in_flight).await.per_cpu_second,
                "noop" => unary::measure(pair.noop, pair.noop_pid(), in_flight).await.per_cpu_second,
                "exchange" => streamed(exchange::Leases::Left).await,
                "settled" => streamed(exchange::Leases::Settled).await,
                "named" => streamed(exchange::Leases::Named).await,
                _ => panic!("no such load: {load}"),
            };
            println!("{load}: {figure:.0} a processor second");
        }
    });
}

/// Returns how many calls a service that only answers gets done in a processor second.
async fn unary_rows(pair: &setup::Pair, in_flight: usize) -> f64 {
    let (mut real, mut noop) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        // Directly after each other, since the speed of the machine varies.
        noop.push(unary::measure(pair.noop, pair.noop_pid(), in_flight).await);
        real.push(unary::measure(pair.real, pair.real_pid, in_flight).await);
    }
    let of_both = |of: fn(&unary::Figures) -> f64| {
        let ratios = real.iter().zip(&noop).map(|(real, noop)| of(real) / of(noop)).collect();
        let all = |figures: &[unary::Figures]| median(figures.iter().map(of).collect());
        (all(&real), all(&noop), median(ratios))
    };
    let (speed, yardstick, ratio) = of_both(|figures| figures.per_cpu_second);
    row(&format!("AcquireLease a processor second, {in_flight} in flight"), thousands(speed), "");
    row("  a service that only answers", thousands(yardstick), "");
    row("  the one against the other", format!("{ratio:.2}"), "at least 0.95");
    if in_flight == 1 {
        let (time, _, ratio) = of_both(|figures| figures.microseconds);
        row("  a call takes", format!("{time:.1} µs"), "");
        row("  against the service that only answers", format!("{ratio:.2}"), "at most 1.1");
    }
    yardstick
}

/// `yardstick`: calls of a service that only answers, a processor second, with as many in flight.
async fn exchange_rows(pair: &setup::Pair, yardstick: f64) {
    let measure = async |address: SocketAddr, pid: u32, leases| {
        let mut figures = Vec::new();
        for _ in 0..RUNS {
            figures.push(exchange::per_cpu_second(address, pid, leases).await);
        }
        median(figures)
    };
    let alone = measure(pair.real, pair.real_pid, exchange::Leases::Left).await;
    row("Exchange: leases a processor second", thousands(alone), "at least 400 k");
    let settled = measure(pair.real, pair.real_pid, exchange::Leases::Settled).await;
    row("  each settled too", thousands(settled), "");
    row(
        "  the same for each call that is only answered",
        format!("{:.1}", settled / yardstick),
        "at least 5.8",
    );
    let noop = measure(pair.noop, pair.noop_pid(), exchange::Leases::Left).await;
    row("  a service that only answers", thousands(noop), "");
}

fn thousands(per_second: f64) -> String {
    format!("{:.1} k", per_second / 1e3)
}
