//! One process of a driver, which plays one case at a time. It is started again after a case that failed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::case::Case;
use crate::driver::{Driver, DriverCommand};
use crate::play::{Verdict, play};
use crate::v1::HelloResult;

/// A case to play, and for which hook.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) case: Arc<Case>,
    pub(super) hook: Option<String>,
}

impl Turn {
    /// The name of the case, with the hook in brackets.
    pub(super) fn name(&self) -> String {
        match &self.hook {
            Some(hook) => format!("{}[{hook}]", self.case.name),
            None => self.case.name.clone(),
        }
    }
}

/// A case that was played.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) driver: String,
    pub(super) turn: Turn,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
    /// What the driver wrote to its standard error, if the case failed.
    pub(super) stderr: String,
}

/// The turns that one driver plays, for each of its hooks, without those that it lacks a capability for.
pub(super) fn turns(cases: &[Arc<Case>], hello: &HelloResult) -> (Vec<Turn>, Vec<Turn>) {
    let (mut turns, mut skipped) = (Vec::new(), Vec::new());
    for case in cases {
        let can = case.needs.iter().all(|need| hello.capabilities.contains(need));
        let hooks: Vec<Option<String>> = match &case.each_hook {
            None if case.first_hook => {
                hello.hooks.iter().take(1).map(|hook| Some(hook.name.clone())).collect()
            }
            None => vec![None],
            Some(features) => {
                let has =
                    |hook: &&crate::v1::Hook| features.iter().all(|feature| hook.features.contains(feature));
                hello.hooks.iter().filter(has).map(|hook| Some(hook.name.clone())).collect()
            }
        };
        if !can || hooks.is_empty() {
            skipped.push(Turn { case: Arc::clone(case), hook: None });
            continue;
        }
        turns.extend(hooks.into_iter().map(|hook| Turn { case: Arc::clone(case), hook }));
    }
    (turns, skipped)
}

/// Plays turns of a queue until none is left.
pub(super) async fn play_all(
    command: DriverCommand,
    queue: Arc<Mutex<VecDeque<Turn>>>,
    at_once: Arc<Semaphore>,
    is_verbose: bool,
) -> Vec<Played> {
    let mut played = Vec::new();
    let mut driver = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(turn) = next else { return played };
        let _slot = at_once.acquire().await;
        let started = Instant::now();
        let (verdict, stderr) = match ready(&command, &mut driver).await {
            Ok(driver) => {
                let name = format!("{} {}", command.name, turn.name());
                let log = |text: String| {
                    if is_verbose {
                        println!("{name}: {text}");
                    }
                };
                let verdict = play(&turn.case, turn.hook.as_deref(), driver, &log).await;
                (verdict, driver.stderr())
            }
            Err(why) => (Verdict::Failed(why), String::new()),
        };
        let ended = driver.as_ref().is_some_and(|driver: &Driver| !driver.is_alive());
        if verdict != Verdict::Passed || ended || is_killed(&turn) {
            driver = None;
        }
        if let Verdict::Failed(why) = &verdict {
            let first = why.lines().next().unwrap_or_default();
            eprintln!(
                "{} {} does not hold after {:.1?}: {first:.160}",
                command.name,
                turn.name(),
                started.elapsed()
            );
        }
        let driver = command.name.clone();
        played.push(Played { driver, turn, verdict, took: started.elapsed(), stderr });
    }
}

fn is_killed(turn: &Turn) -> bool {
    turn.case.steps.iter().any(|step| step.signal.as_deref() == Some("KILL"))
}

/// The driver of a lane, which is started and warmed up if there is none.
async fn ready<'a>(command: &DriverCommand, driver: &'a mut Option<Driver>) -> Result<&'a Driver, String> {
    if driver.is_none() {
        let started = Driver::start(command).await?;
        // The first call of a process pays for what later ones find loaded. What comes of it is judged elsewhere.
        let _ = play(&warm_up(), None, &started, &|_| {}).await;
        *driver = Some(started);
    }
    driver.as_ref().ok_or_else(|| "there is no driver".into())
}

fn warm_up() -> Case {
    let text = r#"
        title = "Loads what a first call loads"
        may_stay_open = true
        servers.main = {}
        steps = [
            { connect = {} },
            { acquire = { permits = 2 } },
            { take = {} },
            { leave = { lease = "lease" } },
            { prefetch = {} },
            { permit = { prefetch = "main", then = "leave" } },
            { close = {} },
        ]
    "#;
    toml::from_str(text).expect("a case that a test reads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_a_case() {
        assert_eq!(warm_up().steps.len(), 7);
    }
}
