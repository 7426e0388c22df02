//! The ledger's thread: it alone talks to the store about shards. What comes in while a write is under way is carried by the
//! next one, so many workspaces share one fsync.
//!
//! Owns no rule of booking: those are the core's. It turns the core's effects into transactions, and their outcomes into inputs.

use super::answer::Refused;
use super::lease_name::Life;
use super::parts::Parts;
use super::shard_write::transaction;
use super::workspace::{Opening, Workspace};
use crate::store::{CommitOutcome, Store, Transaction, record};
use apportion_core::allocator::Allocator;
use apportion_core::facts::Learned;
use apportion_core::host;
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{
    CasOutcome, LostWhy, MarkKey, ReadOutcome, Shard, ShardEffect, Statement, Token, Version, WantedBlock,
};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use apportion_core::window::Window;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How long the thread sleeps at most: it looks after the shards that often.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);
/// How long a store that failed is left alone before it is tried again.
const AILING: Duration = Duration::from_millis(250);
/// How often it is looked at most whether the store is still there.
const LOOK: Duration = Duration::from_millis(250);
/// Most commands that one round takes in, so that none waits for ever behind those that come.
const ROUND: usize = 10_000;
/// What is written to see whether the store takes a write.
const PROBE: &str = "probe";

/// What the ledger is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Book a block in a shard.
    Want(u16, WantedBlock),
    /// Write down what was learned.
    Learn(u16, WorkspaceId, LimitId, Learned),
    /// Write down that a window is exhausted.
    Exhausted(u16, MarkKey, Window, Permits),
    /// Take what an allocator says of its workspace.
    State(u16, WorkspaceId, Statement),
    /// A workspace is no more: forget what was learned of it.
    Forget(u16, WorkspaceId),
    /// A new workspace is to be served; who waits for it is told once that was tried.
    Serve(WorkspaceId, Option<Sender<()>>),
    /// The clock got a new anchor: every workspace starts anew.
    StartAnew,
    /// The store failed somebody else, who cannot open it anew.
    StoreFailed,
    /// Hand back what was booked and not granted, and stop.
    Stop,
}

/// A write of a shard's record.
#[derive(Debug)]
struct Write {
    number: u16,
    token: Token,
    transaction: Transaction,
}

/// What one round asks of the store, and what it learned.
#[derive(Debug, Default)]
struct Round {
    writes: Vec<Write>,
    reads: Vec<(u16, Token)>,
    owned: BTreeSet<u16>,
}

/// The ledger of this process.
pub(super) struct Ledger {
    parts: Arc<Parts>,
    store: Arc<dyn Store>,
    inbox: Receiver<Command>,
    shards: Vec<Shard>,
    /// Shards that may have effects to carry out.
    stirred: BTreeSet<u16>,
    /// Shards that were away when the clock got its anchor: what is open when they come back may have been used under the old one.
    anew: BTreeSet<u16>,
    /// How often workspaces were opened otherwise than by taking their shard over.
    reopened: u64,
    /// The store failed, and is not to be tried before then.
    ailing_until: Option<Instant>,
    looked: Instant,
    stopping: bool,
}

impl Ledger {
    pub(super) fn new(parts: Arc<Parts>, store: Arc<dyn Store>, inbox: Receiver<Command>) -> Self {
        let settings = parts.settings.clone();
        let seed = parts.secret.nonce;
        let shard = |number: u16| {
            // Writes count up from it; 2^32 processes may each write 2^32 times to a shard before two could meet.
            let nonce = (u128::from(seed) << 64) | (u128::from(number) << 40);
            Shard::new(settings.node.clone(), nonce, settings.horizon)
        };
        let shards = (0..settings.shards).map(shard).collect();
        Self {
            parts,
            store,
            inbox,
            shards,
            stirred: BTreeSet::new(),
            anew: BTreeSet::new(),
            reopened: 0,
            ailing_until: None,
            looked: Instant::now(),
            stopping: false,
        }
    }

    /// Takes every shard over.
    pub(super) fn take_over(&mut self) -> Result<(), String> {
        let now = self.parts.clock.now();
        for number in 0..self.parts.settings.shards {
            self.stir(number).take_over(now);
        }
        self.carry_out();
        match self.shards.iter().position(|shard| !shard.is_serving()) {
            None => Ok(()),
            Some(number) => {
                Err(format!("shard {number} cannot be taken over: its record cannot be read and written"))
            }
        }
    }

    /// Serves until it is told to stop.
    pub(super) fn run(&mut self) {
        while !self.stopping {
            match self.inbox.recv_timeout(self.sleep()) {
                Ok(command) => self.take(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for _ in 0..ROUND {
                let Ok(command) = self.inbox.try_recv() else { break };
                self.take(command);
            }
            self.look_after();
            self.carry_out();
        }
    }

    fn sleep(&self) -> Duration {
        let now = self.parts.clock.now();
        let next = self.shards.iter().filter_map(Shard::next_deadline).min();
        next.map_or(LONGEST_SLEEP, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST_SLEEP))
    }

    fn stir(&mut self, number: u16) -> &mut Shard {
        self.stirred.insert(number);
        &mut self.shards[usize::from(number)]
    }

    fn take(&mut self, command: Command) {
        let now = self.parts.clock.now();
        match command {
            Command::Want(shard, block) => self.stir(shard).want(now, block),
            Command::Learn(shard, workspace, limit, learned) => {
                self.stir(shard).learn(now, workspace, limit, learned)
            }
            Command::Exhausted(shard, key, window, budget) => {
                self.stir(shard).exhausted(now, key, &window, budget)
            }
            Command::State(shard, workspace, statement) => {
                self.stir(shard).state(now, workspace, statement);
            }
            Command::Forget(shard, workspace) => self.stir(shard).forget(now, workspace),
            Command::Serve(id, served) => {
                if let Ok(workspace) = self.parts.find(&id)
                    && self.shard(workspace.shard).is_serving()
                    && !workspace.is_open()
                {
                    self.reopened += 1;
                    self.open(&workspace, &self.learned_of(&workspace), false);
                }
                if let Some(served) = served {
                    let _ = served.send(());
                }
            }
            Command::StartAnew => {
                // A clock that stepped again meanwhile is anchored again, too.
                if self.parts.clock.trust() {
                    let (serving, away): (BTreeSet<u16>, BTreeSet<u16>) =
                        self.numbers().partition(|&at| self.shard(at).is_serving());
                    self.reopened += 1;
                    self.open_all(&serving, true);
                    self.anew = away;
                }
            }
            Command::StoreFailed => self.ails("a change of policy was not taken"),
            Command::Stop => self.stop(now),
        }
    }

    fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        0..self.parts.settings.shards
    }

    fn shard(&self, number: u16) -> &Shard {
        &self.shards[usize::from(number)]
    }

    /// Time passes: a store that failed is tried, failed reads are asked again, old windows forgotten.
    fn look_after(&mut self) {
        if self.is_well() && self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            // Also where nobody writes it is noticed that the file is gone, or that somebody else's use failed.
            if let Err(error) = self.store.look() {
                self.ails(&error.to_string());
            }
        }
        let now = self.parts.clock.now();
        for number in self.numbers() {
            self.shards[usize::from(number)].advance(now);
            self.stirred.insert(number);
        }
    }

    /// Hands every shard over to this very node: what was booked and not granted is there for the next process.
    fn stop(&mut self, now: Timestamp) {
        let mut granted: BTreeMap<u16, Vec<(MarkKey, Permits)>> = BTreeMap::new();
        for entry in &self.parts.workspaces {
            let workspace = entry.value();
            let shard = self.shard(workspace.shard);
            // Marks count what everybody booked, former lives included; of that only what is free here may go back.
            let of_it = workspace.finish().into_iter().map(|(key, unspent)| {
                let granted = shard.booked(&key).less(unspent);
                (key, granted)
            });
            granted.entry(workspace.shard).or_default().extend(of_it);
        }
        let node = self.parts.settings.node.clone();
        for number in self.numbers() {
            let of_shard = granted.remove(&number).unwrap_or_default();
            self.stir(number).hand_over(now, node.clone(), &of_shard);
        }
        self.stopping = true;
    }

    /// Carries effects out until there are none: one group of writes after the other.
    fn carry_out(&mut self) {
        while !self.stirred.is_empty() {
            let round = self.collect();
            let (anew, usual): (BTreeSet<u16>, BTreeSet<u16>) =
                round.owned.iter().partition(|&number| self.anew.remove(number));
            self.open_all(&anew, true);
            self.open_all(&usual, false);
            for (number, token) in round.reads {
                let outcome = self.read(number);
                let now = self.parts.clock.now();
                self.stir(number).read_done(now, token, outcome);
            }
            self.write(round.writes);
        }
    }

    /// Pulls every effect. What workspaces are to hear is told at once; what goes to the store is returned.
    fn collect(&mut self) -> Round {
        let mut round = Round::default();
        for number in std::mem::take(&mut self.stirred) {
            while let Some(effect) = self.shards[usize::from(number)].poll() {
                self.sort(number, effect, &mut round);
            }
        }
        round
    }

    fn sort(&self, number: u16, effect: ShardEffect, round: &mut Round) {
        match effect {
            ShardEffect::Cas { token, expected, new, guards } => {
                let transaction = transaction(number, expected, &new, guards);
                round.writes.push(Write { number, token, transaction });
            }
            ShardEffect::Read { token } => round.reads.push((number, token)),
            ShardEffect::Owned { .. } => {
                round.owned.insert(number);
            }
            ShardEffect::Reply { workspace, reply } => {
                self.with(&workspace, |allocator| host::apply_reply(allocator, reply));
            }
            ShardEffect::Lost { why } => {
                round.owned.remove(&number);
                self.lost(number, why);
            }
            ShardEffect::StoreLost => self.store_lost(number, true),
            ShardEffect::StoreBack => self.store_lost(number, false),
        }
    }

    fn with(&self, workspace: &WorkspaceId, act: impl FnOnce(&mut Allocator)) {
        if let Ok(workspace) = self.parts.find(workspace) {
            workspace.shielded(&self.parts, |workspace| workspace.with(&self.parts, act));
        }
    }

    fn lost(&self, number: u16, why: LostWhy) {
        if why != LostWhy::HandedOver {
            tracing::error!(
                shard = number,
                ?why,
                "the shard is lost: its workspaces grant nothing until it is taken over"
            );
        }
        let refused = if why == LostWhy::HandedOver { Refused::Draining } else { Refused::StoreLost };
        self.of_shard(number, |workspace| workspace.close(&refused));
    }

    fn store_lost(&self, number: u16, lost: bool) {
        self.of_shard(number, |workspace| {
            workspace.shielded(&self.parts, |workspace| workspace.set_store_lost(&self.parts, lost));
        });
    }

    fn of_shard(&self, number: u16, act: impl Fn(&Arc<Workspace>)) {
        self.parts.each(|workspace| {
            if workspace.shard == number {
                act(workspace);
            }
        });
    }

    /// Opens the workspaces of shards that are served from now on, in one pass over all of them.
    fn open_all(&self, shards: &BTreeSet<u16>, anew: bool) {
        if shards.is_empty() {
            return;
        }
        self.look_ahead();
        let mut learned: BTreeMap<&WorkspaceId, BTreeMap<LimitId, Learned>> = BTreeMap::new();
        for record in shards.iter().filter_map(|&number| self.shard(number).record()) {
            for ((workspace, limit), facts) in &record.learned {
                learned.entry(workspace).or_default().insert(limit.clone(), *facts);
            }
        }
        let nothing = BTreeMap::new();
        self.parts.each(|workspace| {
            if shards.contains(&workspace.shard) {
                self.open(workspace, learned.get(&workspace.id).unwrap_or(&nothing), anew);
            }
        });
    }

    /// Says where a clock that was far ahead has booked windows to come: they stay spent when they come.
    fn look_ahead(&self) {
        let now = self.parts.clock.now();
        let last = self.shards.iter().filter_map(|shard| shard.booked_too_far_ahead(now)).max();
        self.parts.set_booked_ahead_until(last);
        if let Some(last) = last {
            tracing::error!(
                seconds = last.since(now).as_ns() / 1_000_000_000,
                "a clock was ahead: windows that start so far from now are booked, and stay so; check the clock of this machine"
            );
        }
    }

    fn learned_of(&self, workspace: &Workspace) -> BTreeMap<LimitId, Learned> {
        let record = self.shard(workspace.shard).record();
        let learned = record.into_iter().flat_map(|record| &record.learned);
        let of_it = learned.filter(|((id, _), _)| *id == workspace.id);
        of_it.map(|((_, limit), facts)| (limit.clone(), *facts)).collect()
    }

    fn open(&self, workspace: &Arc<Workspace>, learned: &BTreeMap<LimitId, Learned>, anew: bool) {
        let shard = self.shard(workspace.shard);
        let epoch = shard.record().map_or(0, |record| record.epoch);
        let life = Life::new(epoch, self.reopened);
        workspace.open(&self.parts, Opening { life, learned, anew, store_lost: shard.is_store_lost() });
    }

    fn read(&mut self, number: u16) -> ReadOutcome {
        if !self.is_well() {
            return ReadOutcome::Failed;
        }
        let found = self
            .store
            .incarnation()
            .and_then(|incarnation| Ok((incarnation, self.store.read(&record::key(number))?)));
        let found = found.map_err(|error| error.to_string()).and_then(|(incarnation, entry)| match entry {
            None => Ok(ReadOutcome::Absent { incarnation }),
            Some(entry) => {
                let record = record::decode(&entry.value).map_err(|error| error.to_string())?;
                Ok(ReadOutcome::Found { record, version: Version(entry.version), incarnation })
            }
        });
        found.unwrap_or_else(|error| {
            self.ails(&error);
            ReadOutcome::Failed
        })
    }

    fn write(&mut self, writes: Vec<Write>) {
        if writes.is_empty() {
            return;
        }
        let (asked, transactions): (Vec<_>, Vec<_>) =
            writes.into_iter().map(|write| ((write.number, write.token), write.transaction)).unzip();
        let outcomes = self.store.commit(transactions);
        for ((number, token), outcome) in asked.into_iter().zip(outcomes) {
            let outcome = match outcome {
                CommitOutcome::Done(version) => CasOutcome::Ok(Version(version)),
                CommitOutcome::Conflict => match self.read(number) {
                    ReadOutcome::Found { record, version, .. } => {
                        CasOutcome::Conflict(Some((record, version)))
                    }
                    ReadOutcome::Absent { .. } => CasOutcome::Conflict(None),
                    ReadOutcome::Failed => CasOutcome::Unknown,
                },
                CommitOutcome::Unknown(error) => {
                    self.ails(&error);
                    CasOutcome::Failed
                }
                // Nothing was written. The shard reads back all the same, and sends the very same write again.
                CommitOutcome::Refused(error) => {
                    self.ails(&error.to_string());
                    CasOutcome::Unknown
                }
            };
            let now = self.parts.clock.now();
            self.stir(number).cas_done(now, token, outcome);
        }
    }

    /// Leaves a store that failed alone for a while.
    fn ails(&mut self, error: &str) {
        if self.ailing_until.is_none() {
            tracing::error!(error, "the store failed: what is booked may still be granted");
        }
        self.ailing_until = Some(Instant::now() + AILING);
        self.parts.set_store_lost(true);
    }

    /// Whether the store may be asked. One that failed is opened anew first, and must take a write.
    fn is_well(&mut self) -> bool {
        let Some(until) = self.ailing_until else { return true };
        if Instant::now() < until {
            return false;
        }
        match self.store.reopen().map_err(|error| error.to_string()).and_then(|()| self.probe()) {
            Ok(()) => {
                tracing::info!("the store works again");
                self.ailing_until = None;
                self.parts.set_store_lost(false);
            }
            Err(error) => self.ails(&error),
        }
        self.ailing_until.is_none()
    }

    fn probe(&self) -> Result<(), String> {
        let probe = Transaction { puts: vec![(PROBE.into(), Vec::new())], ..Transaction::default() };
        match self.store.commit(vec![probe]).pop() {
            Some(CommitOutcome::Done(_)) => Ok(()),
            other => Err(format!("a write was not taken: {other:?}")),
        }
    }
}
