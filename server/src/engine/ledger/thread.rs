//! The loop of the ledger's thread: takes commands in, lets time pass, and carries effects out.

use super::opener::Opener;
use super::round::Round;
use super::store::LedgerStore;
use crate::clock::Clock;
use crate::engine::command::Command;
use crate::engine::settings::{EngineSettings, Serving};
use crate::error::Error;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{Host, MarkKey};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
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
    serving: Serving,
    host: Host,
    store: LedgerStore,
    opener: Opener,
    /// Who waits for workspaces to be opened.
    openings: Vec<Sender<()>>,
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
        // Writes count up from it: 2^64 of each process.
        let nonce = u128::from(seed) << 64;
        Self {
            clock,
            inbox,
            node: settings.node.clone(),
            serving: settings.serving,
            host: Host::new(settings.node.clone(), settings.shards, nonce, settings.horizon),
            store,
            opener,
            openings: Vec::new(),
            stopping: false,
        }
    }

    /// Takes every shard over that is to be served from the start.
    ///
    /// # Errors
    /// The first shard whose claim cannot be read and written.
    pub(in crate::engine) fn take_over(&mut self) -> Result<(), String> {
        if self.serving == Serving::Claimed {
            return Ok(());
        }
        self.host.shards().for_each(|number| self.claim(number));
        self.carry_out();
        match self.host.shards().find(|&number| !self.host.is_serving(number)) {
            None => Ok(()),
            Some(number) => {
                Err(format!("shard {number} cannot be taken over: its records cannot be read and written"))
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
            self.host.advance(self.clock.now());
            self.carry_out();
        }
    }

    fn sleep(&self) -> Duration {
        let now = self.clock.now();
        let next = self.host.next_deadline();
        next.map_or(LONGEST_SLEEP, |at| Duration::from_nanos(at.since(now).as_ns()).min(LONGEST_SLEEP))
    }

    fn apply(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Claim(shard) => self.claim(shard),
            Command::HandOver(shard, to) => self.hand_over(now, shard, to),
            Command::Deposed(shard, by, epoch) => self.host.deposed(shard, by, epoch),
            Command::Shard(shard, input) => self.host.apply(now, shard, input),
            Command::Open(id, tried) => {
                self.openings.extend(tried);
                self.open(now, &id);
            }
            Command::Reanchor => self.reanchor(),
            Command::StoreFailed => self.store.set_unhealthy("a change of policy was not taken"),
            Command::Stop => self.stop(now),
        }
    }

    fn claim(&mut self, number: u16) {
        if self.host.shards().contains(&number) && !self.host.is_serving(number) {
            self.opener.claiming(number);
            self.host.take_over(number);
        }
    }

    fn open(&mut self, now: Timestamp, id: &WorkspaceId) {
        match self.opener.closed(id) {
            Some(shard) if self.host.is_serving(shard) => self.host.open(now, shard, id),
            Some(_) => self.opener.close_elsewhere(id),
            None => {}
        }
    }

    /// Gives a shard away.
    fn hand_over(&mut self, now: Timestamp, number: u16, to: NodeId) {
        if self.host.is_serving(number) {
            let unspent = self.opener.leave(number, &to);
            self.give_away(now, number, to, unspent);
        }
    }

    /// Marks count every booking, former lives included; of that only what is free here may go back.
    fn give_away(&mut self, now: Timestamp, number: u16, to: NodeId, unspent: Vec<(MarkKey, Permits)>) {
        let granted = unspent.into_iter().map(|(key, unspent)| {
            let granted = self.host.booked(number, &key).less(unspent);
            (key, granted)
        });
        let granted: Vec<_> = granted.collect();
        self.host.hand_over(now, number, to, granted);
    }

    /// Opens every workspace again. A clock that stepped again meanwhile is anchored again, too.
    fn reanchor(&mut self) {
        if self.clock.trust() {
            let away = self.host.shards().filter(|&number| !self.host.is_serving(number));
            away.for_each(|number| self.opener.close_shard(number));
            self.host.reanchor();
        }
    }

    /// Hands every shard over to this very node: what was booked and not granted is there for the next process.
    fn stop(&mut self, now: Timestamp) {
        for number in self.host.shards() {
            let unspent = self.opener.finish(number, &Error::Draining);
            self.give_away(now, number, self.node.clone(), unspent);
        }
        self.stopping = true;
    }

    /// Carries effects out until there are none: one group of writes after the other.
    fn carry_out(&mut self) {
        while self.host.has_effects() {
            let round = Round::collect(&mut self.host);
            for notice in round.notices {
                self.opener.carry_out(notice);
            }
            for token in round.reads {
                let outcome = self.store.read(&token);
                self.host.read_done(self.clock.now(), &token, outcome);
            }
            for (token, after) in round.scans {
                let outcome = self.store.scan(&token, after.as_ref());
                self.host.scan_done(self.clock.now(), &token, outcome);
            }
            for (token, outcome) in self.store.write(round.writes) {
                self.host.swap_done(self.clock.now(), &token, outcome);
            }
        }
        for opened in self.openings.drain(..) {
            let _ = opened.send(());
        }
    }
}
