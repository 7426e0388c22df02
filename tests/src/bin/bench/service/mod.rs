//! The running service: a server on one processor, its load on the other, beside a server that does nothing but answer.

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
use crate::row;
use std::net::SocketAddr;

pub(crate) use cores::{memory, on_server_core};
pub(crate) use idle::fill;
pub(crate) use noop::serve as serve_noop;
pub(crate) use setup::connect;

/// How often each is measured.
const RUNS: usize = 5;
/// Calls in flight.
const IN_FLIGHT: [usize; 2] = [64, 512];

/// Measures everything, and prints it.
pub(crate) fn table() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!();
    println!("{:<52} {:>14}   aim", "the client, and the service on one processor", "measured");
    takes::rows();
    runtime.block_on(async {
        let pair = setup::Pair::start().await;
        for in_flight in IN_FLIGHT {
            unary_rows(&pair, in_flight).await;
        }
        exchange_rows(&pair).await;
        parked::rows().await;
        idle::rows();
    });
}

/// What the edges of windows cost a team at a steady rate: p50, p95 and p99.
pub(crate) fn edges() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{:<52} {:>14}   aim", "six windows; p50, p95, p99", "measured");
    runtime.block_on(edges::rows());
}

/// One load alone, against the real server, for a profiler.
pub(crate) fn only(load: &str, seconds: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pair = setup::Pair::start().await;
        for _ in 0..seconds {
            let figure = match load {
                "unary" => unary::per_cpu_second(pair.real, pair.real_pid, 512).await,
                "noop" => unary::per_cpu_second(pair.noop, pair.noop_pid(), 512).await,
                "exchange" => {
                    exchange::per_cpu_second(pair.real, pair.real_pid, exchange::Settles::Never).await
                }
                "settled" => {
                    exchange::per_cpu_second(pair.real, pair.real_pid, exchange::Settles::Each).await
                }
                _ => panic!("no such load: {load}"),
            };
            println!("{load}: {figure:.0} a processor second");
        }
    });
}

async fn unary_rows(pair: &setup::Pair, in_flight: usize) {
    let (mut real, mut noop, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        // One right after the other, so that both see the machine in the same mood.
        let of_noop = unary::per_cpu_second(pair.noop, pair.noop_pid(), in_flight).await;
        let of_real = unary::per_cpu_second(pair.real, pair.real_pid, in_flight).await;
        ratios.push(of_real / of_noop);
        noop.push(of_noop);
        real.push(of_real);
    }
    row(&format!("AcquireLease a processor second, {in_flight} in flight"), thousands(median(real)), "");
    row("  a service that only answers", thousands(median(noop)), "");
    row("  the one against the other", format!("{:.2}", median(ratios)), "at least 0.85");
}

async fn exchange_rows(pair: &setup::Pair) {
    let measure = async |address: SocketAddr, pid: u32, settles| {
        let mut figures = Vec::new();
        for _ in 0..RUNS {
            figures.push(exchange::per_cpu_second(address, pid, settles).await);
        }
        thousands(median(figures))
    };
    let alone = measure(pair.real, pair.real_pid, exchange::Settles::Never).await;
    row("Exchange: leases a processor second", alone, "at least 400 k");
    row("  each settled too", measure(pair.real, pair.real_pid, exchange::Settles::Each).await, "");
    let noop = measure(pair.noop, pair.noop_pid(), exchange::Settles::Never).await;
    row("  a service that only answers", noop, "");
}

fn thousands(per_second: f64) -> String {
    format!("{:.1} k", per_second / 1e3)
}
