//! Measures decisions, memory, the simulator and the running service, and prints a table of medians with their aims.
//!
//! Times are processor time, compared with a yardstick in the same run: inserting a key into an ordered map and removing one.
//! `bench --only NAME` runs one load on the core, and `bench --service NAME SECONDS` one on the service, for a profiler.
//! `bench --crowd` measures what abusive crowds cost other callers, and `bench --peers` measures other servers beside this one.

mod cluster;
mod contention;
mod crowd;
mod load;
mod measure;
mod peers;
mod row;
mod service;

use apportion_core::allocator::Allocator;
use apportion_core::bounds::Bounds;
use apportion_core::scenario::{Arrivals, Demand, Scenario, replay};
use apportion_core::time::{Span, Timestamp};
use load::{World, permits, policy, team};
use measure::{apart, each, instructions, median};
use row::row;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

/// Runs of each measurement.
const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            table();
            contention::rows();
            service::table();
            cluster::table();
            peers::documents::table();
        }
        ["--cluster"] => cluster::table(),
        ["--peers"] => peers::table(),
        ["--keys", keys, seconds] => peers::only(keys.parse().unwrap_or(1), seconds.parse().unwrap_or(10)),
        ["--peers-documents"] => peers::documents::table(),
        ["--service"] => service::table(),
        ["--service", load, seconds] => service::only(load, seconds.parse().unwrap_or(10)),
        ["--crowd", names @ ..] => crowd::table(names),
        ["--contention"] => contention::rows(),
        ["--edges"] => service::edges(),
        ["--noop"] => service::serve_noop(),
        ["--only", name] => only(name),
        _ => {
            eprintln!(
                "bench [--only NAME]: uncontended, backlog-N, mixed-N, idle-workspace, waiting-1, waiting-10\n\
                 bench [--service [NAME SECONDS]]: unary-N, noop-N, exchange, settled, named\n\
                 bench --crowd [NAME...]: repeats, silence, callers, removal, scrape, guesses\n\
                 bench --contention: one thread and two\n\
                 bench --cluster: nodes on an etcd against one\n\
                 bench --edges: the latency of a steady team at the edges of windows\n\
                 bench --peers: other servers on this machine, built once\n\
                 bench --keys COUNT SECONDS: one call for each of so many workspaces in turn\n\
                 bench --peers-documents: published figures of other servers"
            );
            std::process::exit(2);
        }
    }
}

/// Runs one load. Prints how many decisions there were, and a digest of them.
fn only(name: &str) {
    let count = || name.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(1);
    match name.split('-').next().unwrap_or_default() {
        "uncontended" => {
            let mut world = World::uncontended();
            world.run_uncontended(10_000);
            println!("{} {:x}", world.run_uncontended(100_000), world.digest);
        }
        "backlog" => {
            let mut world = filled(World::backlog(count()));
            println!("{} {:x}", world.run_backlogged(8_000), world.digest);
        }
        "mixed" => {
            let mut world = filled(World::mixed(count()));
            black_box(world.time_decisions(8_000));
            println!("{} {:x}", world.answers, world.digest);
        }
        "idle" => println!("{}", bytes_of_idle_workspace()),
        "waiting" => println!("{}", bytes_of_waiting_request(count())),
        _ => {
            eprintln!("no such load: {name}");
            std::process::exit(2);
        }
    }
}

fn filled(mut world: World) -> World {
    world.fill();
    world
}

fn table() {
    println!("{:<52} {:>14}   aim", "medians of several runs", "measured");
    let yard = yardstick(10_000);
    row("yardstick: ordered map of 10 000 keys, in and out", format!("{yard:.0} ns"), "");
    let uncontended = decisions(World::uncontended, |world| world.run_uncontended(200_000));
    speed("decisions without contention", uncontended, yard, "at least 3 M/s");
    let mut thousand = f64::NAN;
    for callers in [100, 1_000, 10_000, 100_000] {
        let ns = decisions(|| filled(World::backlog(callers)), |world| world.run_backlogged(5_000));
        speed(&format!("decisions with {callers} callers waiting"), ns, yard, "at least 500 k/s");
        match callers {
            1_000 => thousand = ns,
            100_000 => row("  100 000 against 1000", format!("{:.2}", ns / thousand), "at most 3"),
            _ => {}
        }
    }
    percentiles();
    counted_instructions("uncontended", "run_uncontended", "instructions a decision without contention");
    counted_instructions(
        "backlog-10000",
        "run_backlogged",
        "instructions a decision, 10 000 callers waiting",
    );
    let bytes = |name| {
        median(apart(&["--only", name]).and_then(|text| text.trim().parse().ok()).into_iter().collect())
    };
    row("bytes an idle workspace of 4 teams", format!("{:.0}", bytes("idle-workspace")), "at most 2048");
    row("bytes a waiting request, 10 a caller", format!("{:.0}", bytes("waiting-10")), "at most 256");
    row("  1 a caller, the caller included", format!("{:.0}", bytes("waiting-1")), "");
    row(
        "requests a second of the simulator",
        per_second(median((0..RUNS).map(|_| simulate()).collect())),
        "",
    );
}

fn per_second(ns: f64) -> String {
    if ns < 1_000.0 { format!("{:.2} M/s", 1e3 / ns) } else { format!("{:.0} k/s", 1e6 / ns) }
}

fn speed(what: &str, ns: f64, yard: f64, aim: &str) {
    row(what, per_second(ns), aim);
    row("  one of them, in yardsticks", format!("{ns:.0} ns, {:.1}", ns / yard), "");
}

fn decisions(world: impl Fn() -> World, run: impl Fn(&mut World) -> u64) -> f64 {
    let once = |_| {
        let mut world = world();
        run(&mut world);
        each(|| run(&mut world))
    };
    median((0..RUNS).map(once).collect())
}

fn percentiles() {
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut world = filled(World::mixed(10_000));
        world.time_decisions(1_000);
        let mut times = world.time_decisions(8_000);
        times.sort_unstable();
        p50.push(times[times.len() / 2] as f64 / 1e3);
        p99.push(times[times.len() * 99 / 100] as f64 / 1e3);
    }
    row("p99 of a decision, 10 000 callers, every rule", format!("{:.1} µs", median(p99)), "at most 20 µs");
    row("  p50", format!("{:.1} µs", median(p50)), "");
}

fn counted_instructions(load: &str, function: &str, what: &str) {
    let counted = instructions(function, &["--only", load]);
    let figure = counted.and_then(|(all, printed)| {
        let decisions: f64 = printed.split_whitespace().next()?.parse().ok()?;
        Some(format!("{:.0}", all / decisions))
    });
    row(what, figure.unwrap_or_else(|| "no valgrind".into()), "counted by valgrind");
}

/// The time of inserting a key into an ordered map of that size and removing one, in nanoseconds.
fn yardstick(size: u64) -> f64 {
    let key = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n, 0_u32);
    let once = |_| {
        let mut map: BTreeSet<_> = (0..size).map(key).collect();
        each(|| {
            for n in 0..200_000 {
                map.insert(key(n + size));
                map.remove(&key(n));
            }
            black_box(map.len());
            200_000
        })
    };
    median((0..RUNS).map(once).collect())
}

fn four_teams() -> Vec<apportion_core::policy::TeamPolicy> {
    ["checkout", "search", "mail", "reports"].map(|name| team(name, None, 1)).to_vec()
}

fn bytes_of_idle_workspace() -> u64 {
    const COUNT: usize = 5_000;
    let before = measure::memory();
    let now = Timestamp::from_ns(600_000_000_000);
    let new = |_| Allocator::new(policy(1_000, four_teams()), Bounds::DEFAULT, now).expect("a valid policy");
    let workspaces: Vec<Allocator> = (0..COUNT).map(new).collect();
    let used = measure::memory() - before;
    black_box(&workspaces);
    used / COUNT as u64
}

fn bytes_of_waiting_request(of_caller: usize) -> u64 {
    const COUNT: usize = 100_000;
    let before = measure::memory();
    let world = World::waiting(COUNT, of_caller);
    let used = measure::memory() - before;
    black_box(&world);
    used / COUNT as u64
}

fn simulate() -> f64 {
    let demand = |name: &str| Demand {
        team: apportion_core::ids::TeamId::new(name).expect("a name"),
        caller: apportion_core::ids::CallerId::new(name).expect("a name"),
        priority: None,
        permits: permits(1),
        min_permits: permits(1),
        max_wait: None,
        tag: None,
        shape: Arrivals::Workers {
            count: 50,
            think: Span::from_ms(500),
            from: Timestamp::from_ns(600_000_000_000),
        },
    };
    let teams = four_teams();
    let scenario = Scenario {
        demand: teams.iter().map(|team| demand(team.id.as_str())).collect(),
        policy: policy(10_000, teams),
        origin: Timestamp::from_ns(600_000_000_000),
        start_within: BTreeMap::new(),
        windows: 10,
        events: Vec::new(),
    };
    each(|| replay(&scenario).expect("a valid policy").len() as u64)
}
