//! Apportion beside other rate limiters: one run, one load, one processor for the server. Knows neither their protocols nor how they
//! are started.

mod contender;
pub(crate) mod documents;
mod install;
mod load;
mod messages;

use crate::measure::median;
use contender::{Contender, Kind};
use load::{Figure, Load};
use std::time::{Duration, Instant};

/// Rounds, each with newly started servers.
const ROUNDS: usize = 5;
/// Numbers of keys, and their titles in the table.
const KEYS: [(usize, &str); 2] = [(1, "one key"), (1_000, "1000 keys in turn")];
/// Calls in flight.
const IN_FLIGHT: [usize; 3] = [1, 64, 512];

/// The figures of one server in one round, for each of `KEYS` and `IN_FLIGHT`.
type Round = Vec<[Figure; IN_FLIGHT.len()]>;

/// Builds missing peers, measures all servers, and prints the table.
pub(crate) fn table() {
    let (contenders, left_out) = contenders();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut rounds: Vec<Vec<Round>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for turn in 0..contenders.len() {
            // A different server begins each round, so that none is always first after a pause.
            let at = (round + turn) % contenders.len();
            let contender = &contenders[at];
            eprintln!("round {} of {ROUNDS}: {}", round + 1, contender.name);
            match runtime.block_on(measure(contender)) {
                Ok(figures) => rounds[at].push(figures),
                Err(why) => fail(&contender.name, &why),
            }
        }
    }
    print(&contenders, &rounds);
    left_out.iter().for_each(|why| println!("left out: {why}"));
}

/// Apportion alone under the same load, for a profiler: calls about so many keys in turn, 64 in flight.
pub(crate) fn only(keys: usize, seconds: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let contender = Contender::new(Kind::Apportion);
    let end = Instant::now() + Duration::from_secs(seconds);
    let measured: Result<(), String> = runtime.block_on(async {
        let server = contender.start(&[keys]).await?;
        let load = Load::new(server.address, server.pid, contender.calls(keys));
        load.touch_each().await?;
        while Instant::now() < end {
            let figure = load.run(IN_FLIGHT[1]).await?;
            println!("{keys} keys: {:.0} a processor second", figure.per_processor_second);
        }
        Ok(())
    });
    if let Err(why) = measured {
        fail(&contender.name, &why);
    }
}

/// The servers to measure, and why peers are left out.
fn contenders() -> (Vec<Contender>, Vec<String>) {
    let ours = [Kind::Noop, Kind::Apportion, Kind::ApportionRls];
    let mut contenders: Vec<_> = ours.into_iter().map(Contender::new).collect();
    let mut left_out = Vec::new();
    let peers = [
        (install::throttlecrab(), Kind::Throttlecrab as fn(_) -> _),
        (install::gubernator(), Kind::Gubernator as fn(_) -> _),
    ];
    for (installed, kind) in peers {
        match installed {
            Ok(program) => contenders.push(Contender::new(kind(program))),
            Err(why) => left_out.push(why),
        }
    }
    (contenders, left_out)
}

fn fail(name: &str, why: &str) -> ! {
    eprintln!("{name}: {why}");
    std::process::exit(1);
}

/// One round of one server.
async fn measure(contender: &Contender) -> Result<Round, String> {
    let keys = KEYS.map(|(keys, _)| keys);
    let server = contender.start(&keys).await?;
    let mut round = Round::new();
    for keys in keys {
        let load = Load::new(server.address, server.pid, contender.calls(keys));
        load.touch_each().await?;
        let mut figures = [Figure::default(); IN_FLIGHT.len()];
        for (figure, in_flight) in figures.iter_mut().zip(IN_FLIGHT) {
            *figure = load.run(in_flight).await?;
        }
        round.push(figures);
    }
    Ok(round)
}

fn print(contenders: &[Contender], rounds: &[Vec<Round>]) {
    println!("medians of {ROUNDS} rounds; a server on one processor, its load on the other");
    println!(
        "mean time of a call with 1 in flight; calls a processor second of the server with 1, 64, 512 in flight"
    );
    for (at, (_, keys)) in KEYS.iter().enumerate() {
        println!("\n{keys:<52} {:>9} {:>9} {:>9} {:>9}", "mean, 1", "1", "64", "512");
        for (contender, rounds) in contenders.iter().zip(rounds) {
            let [time, speeds @ ..] = columns(|column| median(of(rounds, at, column)));
            let [one, some, many] = speeds.map(|speed| format!("{:.1} k", speed / 1e3));
            println!("{:<52} {:>9} {one:>9} {some:>9} {many:>9}", contender.name, format!("{time:.0} µs"));
        }
        let apportion = contenders.iter().position(|one| one.kind == Kind::Apportion).unwrap_or(0);
        for (other, contender) in contenders.iter().enumerate().filter(|(other, _)| *other != apportion) {
            // Compared within a round, since the speed of the machine varies.
            let ratio = |column| {
                let pairs =
                    of(&rounds[apportion], at, column).into_iter().zip(of(&rounds[other], at, column));
                median(pairs.map(|(ours, theirs)| ours / theirs).collect())
            };
            let [time, one, some, many] = columns(ratio).map(|ratio| format!("{ratio:.2}"));
            let what = format!("  Apportion against {}", contender.name);
            println!("{what:<52} {time:>9} {one:>9} {some:>9} {many:>9}");
        }
    }
}

/// The columns of the table: the mean time of a call, and the speed with each of `IN_FLIGHT`.
fn columns(value: impl Fn(usize) -> f64) -> [f64; IN_FLIGHT.len() + 1] {
    std::array::from_fn(value)
}

/// The values of a column in each round.
fn of(rounds: &[Round], keys: usize, column: usize) -> Vec<f64> {
    let figure = |round: &Round| match column {
        0 => round[keys][0].mean_us,
        _ => round[keys][column - 1].per_processor_second,
    };
    rounds.iter().map(figure).collect()
}
