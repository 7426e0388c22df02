//! Does the steps of a case one after the other, and judges what every case must keep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

use super::group::{Asked, Group};
use super::handles::Handles;
use super::message::Writer;
use crate::case::Case;
use crate::case::expression::Comparison;
use crate::case::step::Step;
use crate::driver::{Driver, Requests};
use crate::scripted::script::Fault;
use crate::signals::Reading;
use crate::v1::driver_request::Operation;
use crate::v1::driver_response::Result as Outcome;
use crate::v1::failure::Kind;
use crate::v1::{Cancel, Reset};
use crate::world::World;

/// How long an operation may take before the driver counts as stuck.
const STUCK: Duration = Duration::from_secs(30);
/// How often `until` looks.
const GLANCE: Duration = Duration::from_millis(4);
/// The limit of `until` where a step names none.
const WITHIN_MS: u64 = 2_000;
/// How long reports may take after everything was closed.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it held.
    Passed,
    /// The driver lacks a capability or a hook.
    Skipped,
    /// What did not hold.
    Failed(String),
}

/// A step that ended the case.
enum End {
    Failed(String),
    /// The library refuses a combination that it could not do right.
    Refused,
}

impl From<String> for End {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

struct Player<'a> {
    driver: &'a Driver,
    world: &'a World,
    writer: Writer<'a>,
    groups: HashMap<String, Group>,
    remembered: HashMap<String, i64>,
    started: HashMap<String, Started>,
    log: &'a (dyn Fn(String) + Sync),
}

/// A group whose results are not all there.
struct Started {
    ids: Arc<Mutex<Vec<u64>>>,
    results: JoinHandle<Result<Group, String>>,
}

/// Plays a case, for one HTTP hook if it is about hooks. What happens is logged.
pub async fn play(
    case: &Case,
    hook: Option<&str>,
    driver: &Driver,
    log: &(dyn Fn(String) + Sync),
) -> Verdict {
    let world = match World::start(case).await {
        Ok(world) => world,
        Err(why) => return Verdict::Failed(format!("the world cannot be started: {why}")),
    };
    let handles = Handles::default();
    let writer = Writer { world: &world, handles: &handles, hook };
    let (groups, remembered, started) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut player = Player { driver, world: &world, writer, groups, remembered, started, log };
    let played = player.steps(case).await;
    let closed = player.end(case).await;
    match (played, closed) {
        (Err(End::Failed(why)), _) => Verdict::Failed(why),
        (Err(End::Refused), Ok(())) | (Ok(()), Ok(())) => Verdict::Passed,
        (_, Err(why)) => Verdict::Failed(format!("at the end: {why}")),
    }
}

impl Player<'_> {
    async fn steps(&mut self, case: &Case) -> Result<(), End> {
        for (at, step) in case.steps.iter().enumerate() {
            let done = self.step(step).await;
            done.map_err(|end| match end {
                End::Failed(why) => End::Failed(format!("steps[{at}]: {why}")),
                End::Refused => End::Refused,
            })?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), End> {
        if !self.event(step).await? {
            self.operations(step).await?;
        }
        for comparison in &step.check {
            self.check(comparison)?;
        }
        Ok(())
    }

    /// Something that happens outside of the driver. The result is whether it was that.
    async fn event(&mut self, step: &Step) -> Result<bool, End> {
        let world = self.world;
        if let Some(scripts) = &step.script {
            for (server, script) in scripts {
                world.follow(server, script.clone())?;
            }
        } else if let Some(script) = &step.provider {
            world.follow_provider(script.clone());
        } else if let Some(server) = &step.stop {
            world.stop(server)?;
        } else if let Some(server) = &step.serve {
            world.serve(server)?;
        } else if let Some(server) = &step.cut {
            world.order(server, Fault::Close)?;
        } else if let Some(server) = &step.goaway {
            world.order(server, Fault::Goaway)?;
        } else if let Some(server) = &step.freeze {
            world.freeze(server, true)?;
        } else if let Some(server) = &step.thaw {
            world.freeze(server, false)?;
        } else if let Some(signal) = &step.signal {
            self.signal(signal)?;
        } else if let Some(files) = &step.write {
            for (name, text) in files {
                std::fs::write(world.file(name), text).map_err(|why| format!("{name}: {why}"))?;
            }
        } else if let Some(counts) = &step.remember {
            for (name, count) in counts {
                self.remembered.insert(format!("was.{name}"), world.count(count)?);
            }
        } else if let Some(ms) = step.pause_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        } else if let Some(comparison) = &step.until {
            self.until(comparison, step.within_ms.unwrap_or(WITHIN_MS)).await?;
        } else if let Some(name) = &step.cancel {
            self.cancel(name)?;
        } else if let Some(name) = &step.awaits {
            let started = self.started.remove(name).ok_or_else(|| format!("nothing started as {name}"))?;
            let group = started.results.await.map_err(|why| why.to_string())??;
            self.finish(step, name, group)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Sends the operations of a step, and waits for them unless they are started only.
    async fn operations(&mut self, step: &Step) -> Result<(), End> {
        if !step.readings.is_empty() {
            return Ok(self.readings(&step.readings).await?);
        }
        let places: Vec<Option<u32>> = step.times.map_or(vec![None], |times| (0..times).map(Some).collect());
        let operations = places.into_iter().map(|at| self.writer.operation(step, at));
        let Some(operations) = operations.collect::<Result<Option<Vec<_>>, _>>()? else { return Ok(()) };
        let process = step.process.as_ref().map_or(0, |name| self.writer.handles.number("process", name));
        let every = step.every_ms.map(Duration::from_millis);
        let ids = Arc::new(Mutex::new(Vec::new()));
        if let Some(name) = &step.start {
            let results = if let Some(every) = every {
                // Requests of a pace are sent by a task, which needs nothing of this case.
                let sent = send_paced(self.driver.requests(), process, operations, every, &ids);
                tokio::spawn(sent)
            } else {
                tokio::spawn(collect(send_all(self.driver.requests(), process, operations, &ids)))
            };
            self.started.insert(name.clone(), Started { ids, results });
            return Ok(());
        }
        let group = if let Some(every) = every {
            send_paced(self.driver.requests(), process, operations, every, &ids).await?
        } else if step.in_turn {
            let mut group = Group::default();
            for operation in operations {
                let sent = send_all(self.driver.requests(), process, vec![operation], &ids);
                group.0.extend(collect(sent).await?.0);
            }
            group
        } else {
            collect(send_all(self.driver.requests(), process, operations, &ids)).await?
        };
        self.finish(step, step.name.as_deref().unwrap_or("it"), group)
    }

    /// Asks for what responses mean, and names every one that is read otherwise.
    async fn readings(&self, readings: &[Reading]) -> Result<(), String> {
        let questions =
            readings.iter().map(|reading| Operation::Interpret(reading.question.clone())).collect();
        let group = collect(send_all(self.driver.requests(), 0, questions, &Arc::default())).await?;
        let answers = readings.iter().zip(&group.0);
        let wrong = answers.filter(|(reading, asked)| !is_read_as(&asked.answer.outcome, reading));
        let wrong: Vec<_> = wrong
            .map(|(reading, asked)| {
                let read = &asked.answer.outcome;
                format!("{}\n    expected {:?}\n    got {read:?}", reading.name, reading.answer)
            })
            .collect();
        let few = &wrong[..wrong.len().min(5)];
        if few.is_empty() {
            Ok(())
        } else {
            Err(format!("{} are read otherwise:\n  {}", wrong.len(), few.join("\n  ")))
        }
    }

    /// Keeps results under their names, and checks that they are as expected.
    fn finish(&mut self, step: &Step, name: &str, group: Group) -> Result<(), End> {
        (self.log)(format!("{name}: {group:?}"));
        if let Some(why) = group.unsupported() {
            return Err(End::Failed(format!("not supported: {why}")));
        }
        let is_combination =
            step.http_open.as_ref().is_some_and(|open| open.retries > 0 || open.follow_redirects);
        if is_combination && group.has(Kind::Config) {
            return Err(End::Refused);
        }
        let expected = group.expect(step.expect.as_deref().unwrap_or("ok"));
        self.groups.insert(name.into(), group.clone());
        self.groups.insert("it".into(), group);
        Ok(expected?)
    }

    fn check(&self, comparison: &Comparison) -> Result<(), String> {
        comparison.check(&|name: &str| self.value(name))
    }

    fn value(&self, name: &str) -> Result<Option<i64>, String> {
        if let Some(was) = self.remembered.get(name) {
            return Ok(Some(*was));
        }
        let (of, what) = name.split_once('.').ok_or_else(|| format!("no dot in {name}"))?;
        match self.groups.get(of) {
            Some(group) => group.count(what).ok_or_else(|| format!("there is no count {name}")),
            None => self.world.count(name).map(Some),
        }
    }

    async fn until(&self, comparison: &Comparison, within_ms: u64) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_millis(within_ms);
        loop {
            let Err(why) = self.check(comparison) else { return Ok(()) };
            if Instant::now() >= deadline {
                return Err(format!("after {within_ms} ms {why}"));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    fn cancel(&self, name: &str) -> Result<(), String> {
        let started = self.started.get(name).ok_or_else(|| format!("nothing started as {name}"))?;
        for request in locked(&started.ids).iter() {
            drop(self.driver.requests().send(0, Operation::Cancel(Cancel { request: *request })));
        }
        Ok(())
    }

    fn signal(&self, name: &str) -> Result<(), String> {
        let signal = match name {
            "STOP" => Signal::STOP,
            "CONT" => Signal::CONT,
            "KILL" => Signal::KILL,
            other => return Err(format!("there is no signal {other}")),
        };
        // The driver has not been waited for, so no other process has its id.
        let id = i32::try_from(self.driver.process_id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or("no such process")?, signal).map_err(|why| why.to_string())
    }

    /// Resets the driver, and judges what must hold whatever the case is about.
    async fn end(&mut self, case: &Case) -> Result<(), String> {
        let killed = case.steps.iter().any(|step| step.signal.as_deref() == Some("KILL"));
        if !killed {
            let reset = self.driver.requests().send(0, Operation::Reset(Reset {})).1;
            let answer = tokio::time::timeout(STUCK, reset).await;
            answer.map_err(|_| "no answer to Reset: the driver is stuck".to_owned())??;
        }
        let is_settled = || case.may_stay_open || killed || self.world.open_leases() == 0;
        let deadline = Instant::now() + SETTLED_WITHIN;
        while !is_settled() && Instant::now() < deadline {
            tokio::time::sleep(GLANCE).await;
        }
        if !is_settled() {
            let open = self.world.open_leases();
            return Err(format!("{open} leases were neither used up, given back nor settled for good"));
        }
        let malformed = self.world.malformed();
        if !malformed.is_empty() {
            return Err(format!("what the contract does not allow was sent: {malformed:?}"));
        }
        match self.world.unpaid() {
            unpaid @ 1.. if !case.may_be_unpaid => Err(format!("{unpaid} requests arrived without a permit")),
            _ => Ok(()),
        }
    }
}

/// Whether the observations are those of a reading. Their age is not compared: there is none.
fn is_read_as(outcome: &Outcome, reading: &Reading) -> bool {
    matches!(outcome, Outcome::Observations(read) if *read == reading.answer)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that was sent: since when, and its answer.
type Sent = (Instant, JoinHandle<Result<Asked, String>>);

/// Sends all at once.
fn send_all(
    driver: &Requests,
    process: u32,
    operations: Vec<Operation>,
    ids: &Arc<Mutex<Vec<u64>>>,
) -> Vec<Sent> {
    operations.into_iter().map(|operation| send(driver, process, operation, ids)).collect()
}

fn send(driver: &Requests, process: u32, operation: Operation, ids: &Arc<Mutex<Vec<u64>>>) -> Sent {
    let since = Instant::now();
    let what = format!("{operation:?}");
    let (id, answer) = driver.send(process, operation);
    locked(ids).push(id);
    let answer = async move {
        let answer = tokio::time::timeout(STUCK, answer).await;
        let answer = answer.map_err(|_| format!("no answer within {STUCK:?} to {what}"))??;
        Ok(Asked { since, answer })
    };
    (since, tokio::spawn(answer))
}

async fn collect(sent: Vec<Sent>) -> Result<Group, String> {
    let mut group = Group::default();
    for (_, answer) in sent {
        group.0.push(answer.await.map_err(|why| why.to_string())??);
    }
    Ok(group)
}

/// Sends one after the other at a pace, whether or not the ones before were answered. Borrows nothing.
fn send_paced(
    driver: &Requests,
    process: u32,
    operations: Vec<Operation>,
    every: Duration,
    ids: &Arc<Mutex<Vec<u64>>>,
) -> impl Future<Output = Result<Group, String>> + Send + use<> {
    let driver = driver.clone();
    let ids = Arc::clone(ids);
    async move {
        let mut ticks = tokio::time::interval(every);
        let mut sent = Vec::new();
        for operation in operations {
            ticks.tick().await;
            sent.push(send(&driver, process, operation, &ids));
        }
        collect(sent).await
    }
}
