//! The loop of the ledger's thread: takes commands in, lets time pass, and carries effects out.

use super::opener::Opener;
use super::round::Round;
use super::shards::Shards;
use super::store::LedgerStore;
use crate::clock::Clock;
use crate::engine::command::Command;
use crate::engine::settings::EngineSettings;
use apportion_core::ids::NodeId;
use apportion_core::ledger::MarkKey;
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// The longest sleep of the thread: it looks after the shards that often.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);
/// Most commands of one round, so that none waits for ever behind those that arrive.
const ROUND_COMMANDS_MAX: usize = 10_000;

/// The ledger of this process.
pub(in crate::engine) struct Ledger {
    clock: Arc<Clock>,
    inbox: Receiver<Command>,
    node: NodeId,
    shards: Shards,
    store: LedgerStore,
    opener: Opener,
    /// Shards that were away when the clock got its anchor: what is open when they come back may have been used under the old one.
    to_reanchor: BTreeSet<u16>,
    stopping: bool,
}

impl Ledger {
    /// A ledger that has taken no shard over. `seed` differs in every process.
    pub(in crate::engine) fn new(
        settings: &EngineSettings,
        seed: u64,
        clock: Arc<Clock>,
        opener: Opener,
        store: LedgerStore,
        inbox: Receiver<Command>,
    ) -> Self {
        Self {
            clock,
            inbox,
            node: settings.node.clone(),
            shards: Shards::new(settings.shards, &settings.node, settings.horizon, seed),
            store,
            opener,
            to_reanchor: BTreeSet::new(),
            stopping: false,
        }
    }

    /// Takes every shard over.
    ///
    /// # Errors
    /// The first shard whose record cannot be read and written.
    pub(in crate::engine) fn take_over(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        for number in self.shards.numbers() {
            self.shards.touch(number).take_over(now);
        }
        self.carry_out();
        match self.shards.first_not_serving() {
            None => Ok(()),
            Some(number) => {
                Err(format!("shard {number} cannot be taken over: its record cannot be read and written"))
            }
        }
    }

    /// Serves until it is told to stop.
    pub(in crate::engine) fn run(&mut self) {
        while !self.stopping {
            match self.inbox.recv_timeout(self.sleep()) {
                Ok(command) => self.apply(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for _ in 0..ROUND_COMMANDS_MAX {
                let Ok(command) = self.inbox.try_recv() else { break };
                self.apply(command);
            }
            self.store.maintain();
            self.shards.advance(self.clock.now());
            self.carry_out();
        }
    }

    fn sleep(&self) -> Duration {
        let now = self.clock.now();
        let next = self.shards.next_deadline();
        next.map_or(LONGEST_SLEEP, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST_SLEEP))
    }

    fn apply(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Shard(shard, input) => self.shards.touch(shard).apply(now, input),
            Command::Open(id, tried) => {
                self.opener.reopen(&self.shards, &id);
                if let Some(tried) = tried {
                    let _ = tried.send(());
                }
            }
            Command::Reanchor => self.reanchor(),
            Command::StoreFailed => self.store.set_unhealthy("a change of policy was not taken"),
            Command::Stop => self.stop(now),
        }
    }

    /// Opens every workspace again. A clock that stepped again meanwhile is anchored again, too.
    fn reanchor(&mut self) {
        if self.clock.trust() {
            let (serving, away): (BTreeSet<u16>, BTreeSet<u16>) =
                self.shards.numbers().partition(|&number| self.shards.get(number).is_serving());
            self.opener.reanchor(&self.shards, &serving);
            self.to_reanchor = away;
        }
    }

    /// Hands every shard over to this very node: what was booked and not granted is there for the next process.
    fn stop(&mut self, now: Timestamp) {
        let mut granted: BTreeMap<u16, Vec<(MarkKey, Permits)>> = BTreeMap::new();
        self.opener.finish_all(|workspace, unspent| {
            let shard = self.shards.get(workspace.shard);
            // Marks count every booking, former lives included; of that only what is free here may go back.
            let marks = unspent.into_iter().map(|(key, unspent)| {
                let granted = shard.booked(&key).less(unspent);
                (key, granted)
            });
            granted.entry(workspace.shard).or_default().extend(marks);
        });
        for number in self.shards.numbers() {
            let of_shard = granted.remove(&number).unwrap_or_default();
            self.shards.touch(number).hand_over(now, self.node.clone(), &of_shard);
        }
        self.stopping = true;
    }

    /// Carries effects out until there are none: one group of writes after the other.
    fn carry_out(&mut self) {
        while self.shards.has_dirty() {
            let round = Round::collect(&mut self.shards);
            for notice in round.notices {
                self.opener.notify(notice);
            }
            let (reanchored, usual): (BTreeSet<u16>, BTreeSet<u16>) =
                round.owned.iter().partition(|&number| self.to_reanchor.remove(number));
            self.opener.open_all(&self.shards, &reanchored, true);
            self.opener.open_all(&self.shards, &usual, false);
            for (number, token) in round.reads {
                let outcome = self.store.read(number);
                let now = self.clock.now();
                self.shards.touch(number).read_done(now, token, outcome);
            }
            for (number, token, outcome) in self.store.write(round.writes) {
                let now = self.clock.now();
                self.shards.touch(number).cas_done(now, token, outcome);
            }
        }
    }
}
