//! A whole run: toolchains, builds, cases that may run together, and cases that run alone.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::exceptions::Exceptions;
use super::lane::{self, Played, Turn};
use super::options::Options;
use super::report;
use crate::case::{self, Case};
use crate::driver::catalog::{build_all, directories};
use crate::driver::{Driver, DriverCommand};
use crate::play::Verdict;

/// The most cases that run at once, over all drivers. They wait more than they compute.
const AT_ONCE: usize = 16;
/// The most cases that run at once of those that measure time: one for each core of a small machine.
const ALONE_AT_ONCE: usize = 2;
/// The most failures that are played once more. Where more fail, it is not for the load of the machine.
const AGAIN_MAX: usize = 12;

/// Runs the suite. `built_in` are drivers that need no toolchain of their own.
///
/// # Errors
/// Says what keeps the suite from running, or that a case failed.
pub async fn run(options: Options, built_in: Vec<DriverCommand>) -> Result<(), String> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut all = case::read_all(&here.join("cases"))?;
    all.extend(case::readings()?);
    let is_case = |name: &str| all.iter().any(|case| case.name == name);
    let exceptions = Exceptions::read(&here.join("exceptions.toml"), is_case)?;
    if options.is_list {
        all.iter()
            .filter(|case| options.has_case(&case.name))
            .for_each(|case| println!("{}: {}", case.name, case.title));
        return Ok(());
    }
    let cases: Vec<_> = all.into_iter().filter(|case| options.has_case(&case.name)).map(Arc::new).collect();
    let drivers = drivers(&options, built_in)?;
    if cases.is_empty() {
        println!("no case is meant");
        return Ok(());
    }
    let since = Instant::now();
    let (mut played, mut broken) = (Vec::new(), Vec::new());
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for driver in drivers.clone() {
        let (turns, skipped) = match turns_of(&driver, &cases, options.repeat).await {
            Ok(turns) => turns,
            Err(why) => {
                broken.push(why);
                continue;
            }
        };
        let skipped = skipped.into_iter().map(|turn| Played {
            driver: driver.name.clone(),
            turn,
            verdict: Verdict::Skipped,
            took: Duration::ZERO,
            stderr: String::new(),
        });
        played.extend(skipped);
        let (apart, others): (Vec<_>, Vec<_>) = turns.into_iter().partition(|turn| turn.case.alone);
        together.push((driver.clone(), others));
        alone.push((driver, apart));
    }
    played.extend(play(together, options.lanes, AT_ONCE, options.is_verbose).await);
    played.extend(play(alone, 1, ALONE_AT_ONCE, options.is_verbose).await);
    if options.repeat == 1 {
        play_again(&mut played, &drivers, &exceptions, options.is_verbose).await;
    }
    let is_good = report::print(&played, &exceptions, since.elapsed());
    broken.iter().for_each(|why| println!("\n{why}"));
    if is_good && broken.is_empty() { Ok(()) } else { Err("the suite does not hold".into()) }
}

/// The drivers that are meant, their toolchains checked and built.
fn drivers(options: &Options, built_in: Vec<DriverCommand>) -> Result<Vec<DriverCommand>, String> {
    let mut directories = directories()?;
    directories.retain(|directory| directory.drivers().iter().any(|driver| options.has_driver(&driver.name)));
    let missing: Vec<_> = directories.iter().flat_map(|directory| directory.missing()).collect();
    if !missing.is_empty() {
        return Err(missing.join("\n"));
    }
    build_all(&directories)?;
    let mut drivers = built_in;
    drivers.extend(directories.iter().flat_map(|directory| directory.drivers()));
    drivers.retain(|driver| options.has_driver(&driver.name));
    if let Some(unknown) =
        options.drivers.iter().find(|name| drivers.iter().all(|driver| driver.name != **name))
    {
        return Err(format!("there is no driver {unknown}"));
    }
    Ok(drivers)
}

async fn turns_of(
    driver: &DriverCommand,
    cases: &[Arc<Case>],
    repeat: usize,
) -> Result<(Vec<Turn>, Vec<Turn>), String> {
    let started = Driver::start(driver).await?;
    let (turns, skipped) = lane::turns(cases, started.hello());
    let repeated = std::iter::repeat_n(turns, repeat).flatten().collect();
    Ok((repeated, skipped))
}

/// Plays the turns of each driver in so many processes of it, no more than `at_once` over all drivers.
async fn play(
    drivers: Vec<(DriverCommand, Vec<Turn>)>,
    processes: usize,
    at_once: usize,
    is_verbose: bool,
) -> Vec<Played> {
    let at_once = Arc::new(Semaphore::new(at_once));
    let mut lanes = JoinSet::new();
    for (driver, turns) in drivers {
        let few = processes.min(turns.len());
        let queue = Arc::new(Mutex::new(VecDeque::from(turns)));
        for _ in 0..few {
            let (queue, at_once) = (Arc::clone(&queue), Arc::clone(&at_once));
            lanes.spawn(lane::play_all(driver.clone(), queue, at_once, is_verbose));
        }
    }
    lanes.join_all().await.into_iter().flatten().collect()
}

/// Plays what failed once more, with nothing beside it: a loaded machine makes clients late that are not at fault.
async fn play_again(
    played: &mut [Played],
    drivers: &[DriverCommand],
    exceptions: &Exceptions,
    is_verbose: bool,
) {
    let is_wrong = |played: &Played| {
        let is_failure = matches!(played.verdict, Verdict::Failed(_));
        is_failure && exceptions.reason(&played.driver, &played.turn.name()).is_none()
    };
    let wrong: Vec<_> = played.iter_mut().filter(|played| is_wrong(played)).collect();
    if wrong.len() > AGAIN_MAX {
        return;
    }
    for first in wrong {
        let Some(driver) = drivers.iter().find(|driver| driver.name == first.driver) else { continue };
        let alone = vec![(driver.clone(), vec![first.turn.clone()])];
        for second in play(alone, 1, 1, is_verbose).await {
            let holds = if second.verdict == Verdict::Passed { "holds" } else { "does not hold either" };
            println!("{} {}: {holds} when it is played again, alone", second.driver, second.turn.name());
            *first = second;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_read_and_every_exception_names_one() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut all = case::read_all(&here.join("cases")).unwrap();
        all.extend(case::readings().unwrap());
        assert!(all.len() > 10, "only {} cases were found", all.len());
        let is_case = |name: &str| all.iter().any(|case| case.name == name);
        Exceptions::read(&here.join("exceptions.toml"), is_case).unwrap();
    }
}
