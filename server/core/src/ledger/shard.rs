//! One shard on one node: a state machine that takes the shard over, books blocks, and gives it away.
//!
//! Owns what is asked of the store and what its answers mean; at most one write is in flight, and it carries everything
//! that waits. It does not know who is granted what: it says which units may be granted, and when all are void.

use super::WANTED_MAX;
use super::account::Statement;
use super::booking::{Booking, Pending};
use super::effect::{Effect, Guard, LostWhy, Refusal, Token, Version, WantedBlock};
use super::flight::{Flight, Purpose, Step, Write};
use super::record::{MarkKey, ShardRecord};
use crate::facts::Learnt;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::collections::{BTreeMap, VecDeque};

/// How far ahead windows are booked, and how wrong a clock may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// A window may be booked so long before it starts, or as long as its guard.
    pub runway: Span,
    /// The clock error ε.
    pub clock_error: Span,
}

impl Horizon {
    /// One second ahead, clocks within 100 ms.
    pub const DEFAULT: Self = Self { runway: Span::from_secs(1), clock_error: Span::from_ms(100) };

    /// The first window start that nobody can have booked yet, by any clock within ε of this one.
    pub(super) fn known_from(&self, now: Timestamp) -> Timestamp {
        now + self.runway + self.clock_error + self.clock_error + Span::from_ns(1)
    }
}

/// What this shard is to its node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Somebody else's, or nobody's.
    Away,
    /// Being taken over.
    Taking,
    /// Served here.
    Serving,
    /// To be given to a node, with what was granted of each window.
    Leaving(NodeId, BTreeMap<MarkKey, Permits>),
}

/// What this process booked of one window since it took the shard over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    pub(super) end: Timestamp,
    pub(super) permits: Permits,
    /// The provider said that the window is exhausted: nothing of it is given back.
    exhausted: bool,
}

/// The ledger of one shard on one node.
#[derive(Clone, Debug)]
pub struct Shard {
    pub(super) node: NodeId,
    pub(super) nonce: u128,
    pub(super) horizon: Horizon,
    pub(super) incarnation: u128,
    pub(super) stage: Stage,
    pub(super) held: Option<(ShardRecord, Version)>,
    pub(super) pending: Pending,
    pub(super) booked: BTreeMap<MarkKey, Booked>,
    pub(super) flight: Option<Flight>,
    pub(super) next_token: u64,
    pub(super) store_lost: bool,
    pub(super) effects: VecDeque<Effect>,
}

impl Shard {
    /// A shard that `node` does not serve yet. `nonce` is random, anew for each process: writes count up from it.
    pub fn new(node: NodeId, nonce: u128, horizon: Horizon) -> Self {
        Self {
            node,
            nonce,
            horizon,
            incarnation: 0,
            stage: Stage::Away,
            held: None,
            pending: Pending::default(),
            booked: BTreeMap::new(),
            flight: None,
            next_token: 0,
            store_lost: false,
            effects: VecDeque::new(),
        }
    }

    /// The next effect, in the order in which they arose. Pull until there is none after each input.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether the shard is served here, as far as this node knows.
    pub fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// Whether the store has stopped answering.
    pub fn is_store_lost(&self) -> bool {
        self.store_lost
    }

    /// The record as this node last wrote it, while it owns the shard.
    pub fn record(&self) -> Option<&ShardRecord> {
        self.held.as_ref().map(|(record, _)| record)
    }

    /// The start of the last window in the record that a right clock would not have booked yet, if there is one.
    pub fn booked_too_far_ahead(&self, now: Timestamp) -> Option<Timestamp> {
        self.record()?.booked_too_far_ahead(now, &self.horizon)
    }

    /// When [`Shard::advance`] has something to do, if nothing else comes in.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.flight.as_ref().and_then(Flight::next_deadline)
    }

    /// Asks for a block. The last wish for a window counts; it is answered by `Confirmed` or `Refused`,
    /// unless the shard is `Lost` before.
    pub fn want(&mut self, now: Timestamp, want: WantedBlock) {
        let key = MarkKey {
            workspace: want.workspace.clone(),
            limit: want.limit.clone(),
            window_start: want.window.start.earliest,
        };
        let full = self.pending.wanted.len() >= WANTED_MAX && !self.pending.wanted.contains_key(&key);
        if !self.is_serving() {
            self.refuse(key, &want, Refusal::NotOwner);
        } else if want.window.start.earliest > now + self.horizon.runway.max(want.ahead) {
            self.refuse(key, &want, Refusal::TooEarly);
        } else if full {
            self.refuse(key, &want, Refusal::TooMany);
        } else {
            self.pending.wanted.insert(key, want);
            self.pump(now);
        }
    }

    /// Takes what an allocator says of its workspace. It is written before anything else is booked; at once, where it is urgent.
    pub fn state(&mut self, now: Timestamp, workspace: WorkspaceId, statement: Statement) {
        if self.is_serving() {
            let waits = self.pending.statements.get(&workspace);
            let is_urgent = statement.is_urgent
                || waits.is_some_and(|waits| waits.is_urgent && waits.life == statement.life);
            self.pending.statements.insert(workspace, Statement { is_urgent, ..statement });
            self.pump(now);
        }
    }

    /// A workspace is no more: what was learnt of its limits is forgotten.
    pub fn forget(&mut self, now: Timestamp, workspace: WorkspaceId) {
        if self.is_serving() {
            self.pending.learnt.retain(|(of, _), _| *of != workspace);
            self.pending.statements.remove(&workspace);
            self.pending.gone.insert(workspace);
            self.pump(now);
        }
    }

    /// Takes what was learnt about a limit; it is written with the next compare-and-swap.
    pub fn learn(&mut self, now: Timestamp, workspace: WorkspaceId, limit: LimitId, learnt: Learnt) {
        let limit = (workspace, limit);
        let known = self.record().and_then(|record| record.learnt.get(&limit));
        let full = self.pending.learnt.len() >= super::LEARNT_MAX;
        if self.is_serving() && !full && (known != Some(&learnt) || self.flight.is_some()) {
            self.pending.learnt.insert(limit, learnt);
            self.pump(now);
        }
    }

    /// All of the budget of `window` counts as booked from the next write on.
    pub fn exhausted(&mut self, now: Timestamp, key: MarkKey, window: &Window, budget: Permits) {
        if self.is_serving() && self.pending.exhausted.len() < WANTED_MAX {
            let booked = self.booked.entry(key.clone()).or_default();
            (booked.exhausted, booked.end) = (true, window.end.earliest);
            self.pending.exhausted.insert(key, (*window, budget));
            self.pump(now);
        }
    }

    /// Takes the shard over, whoever owns it: reads the record, then raises its epoch.
    pub fn take_over(&mut self, now: Timestamp) {
        if self.stage == Stage::Away {
            self.stage = Stage::Taking;
            self.pump(now);
        }
    }

    /// Gives the shard to `to`. `granted` is how many permits of each window this process granted since it took the
    /// shard over; what it booked of them beyond that goes back. Of a window that is not named nothing does. Everything is
    /// void here from this call on, whatever the outcome.
    pub fn hand_over(&mut self, now: Timestamp, to: NodeId, granted: &[(MarkKey, Permits)]) {
        if self.is_serving() {
            self.stage = Stage::Leaving(to, granted.iter().cloned().collect());
            self.pending.wanted.clear();
            self.pump(now);
        }
    }

    /// What this process booked of a window since it took the shard over.
    pub fn booked(&self, key: &MarkKey) -> Permits {
        self.booked.get(key).map_or(Permits::ZERO, |booked| booked.permits)
    }

    /// The embedded store failed: what memory says about its writes proves nothing, and every block is void.
    pub fn io_error(&mut self) {
        self.store_lost();
        self.lose(LostWhy::Io);
    }

    /// The embedded store was opened anew: takes the shard over by a new record before anything is granted.
    pub fn store_reopened(&mut self, now: Timestamp) {
        self.store_back();
        self.take_over(now);
    }

    /// The store's history is another one: a backup was restored. Every block is void.
    pub fn incarnation_changed(&mut self, incarnation: u128) {
        if self.incarnation != incarnation && self.stage != Stage::Away {
            self.incarnation = incarnation;
            self.lose(LostWhy::Restored);
        }
    }

    /// Lets time pass: repeats a read that failed, and forgets windows that are long over.
    pub fn advance(&mut self, now: Timestamp) {
        self.booked.retain(|key, booked| {
            let length = booked.end.since(key.window_start);
            now.since(booked.end) <= length + length
        });
        if self.flight.as_ref().is_some_and(|flight| flight.is_due(now)) {
            self.read();
        }
    }

    /// Starts what is due, where nothing is in flight.
    pub(super) fn pump(&mut self, now: Timestamp) {
        if self.flight.is_some() {
            return;
        }
        match (&self.stage, &self.held) {
            (Stage::Taking, _) => {
                self.flight = Some(Flight::default());
                self.read();
            }
            (Stage::Serving, Some(_)) if !self.pending.is_empty() => self.book(now),
            (Stage::Leaving(..), Some(_)) => self.leave(now),
            _ => {}
        }
    }

    /// Sends one write that carries everything that waits.
    fn book(&mut self, now: Timestamp) {
        let nonce = self.fresh_nonce();
        let Some((base, version)) = &self.held else { return };
        let runway = self.horizon.runway;
        let Booking { new, raises, refused, mut guards } = self.pending.book(base, nonce, now, runway);
        let nothing = raises.is_empty() && !self.pending.has_news();
        let expected = Some(*version);
        let mut carried = std::mem::take(&mut self.pending);
        for (key, why) in refused {
            if let Some(want) = carried.wanted.remove(&key) {
                self.refuse(key, &want, why);
            }
        }
        if nothing {
            self.pending.put_back(carried);
        } else {
            guards.push(Guard::Incarnation(new.incarnation));
            self.send(Write { raises, carried, ..Write::new(Purpose::Book, expected, new, guards) });
        }
    }

    /// Sends the write that gives the shard away.
    fn leave(&mut self, now: Timestamp) {
        let nonce = self.fresh_nonce();
        let (Stage::Leaving(to, granted), Some((base, version))) = (&self.stage, &self.held) else { return };
        let base = self.pending.book(base, nonce, now, self.horizon.runway).new;
        // Of a window that is not named nobody knows what was granted: all of it counts as spent.
        let unspent = granted.iter().filter_map(|(key, granted)| {
            let booked = self.booked.get(key).filter(|booked| !booked.exhausted)?;
            Some((key.clone(), booked.permits.less(*granted)))
        });
        let new = base.hand_over(to.clone(), unspent);
        let guards = vec![Guard::Incarnation(new.incarnation)];
        self.send(Write::new(Purpose::HandOver, Some(*version), new, guards));
    }

    pub(super) fn send(&mut self, write: Write) {
        let token = self.fresh_token();
        self.effects.push_back(Effect::Cas {
            token,
            expected: write.expected,
            new: Box::new(write.new.clone()),
            guards: write.guards.clone(),
        });
        self.flight = Some(Flight { token, step: Step::Writing, write: Some(write), ..Flight::default() });
    }

    pub(super) fn read(&mut self) {
        let token = self.fresh_token();
        if let Some(flight) = &mut self.flight {
            flight.token = token;
            flight.step = Step::Reading;
            self.effects.push_back(Effect::Read { token });
        }
    }

    /// Every block is void, and so is everything that waits.
    pub(super) fn lose(&mut self, why: LostWhy) {
        self.flight = None;
        self.pending = Pending::default();
        self.stage = Stage::Away;
        self.held = None;
        self.booked.clear();
        self.effects.push_back(Effect::Lost { why });
    }

    pub(super) fn refuse(&mut self, key: MarkKey, want: &WantedBlock, why: Refusal) {
        let (MarkKey { workspace, limit, window_start }, series) = (key, want.series);
        self.effects.push_back(Effect::Refused { workspace, limit, series, window_start, why });
    }

    pub(super) fn store_lost(&mut self) {
        if !std::mem::replace(&mut self.store_lost, true) {
            self.effects.push_back(Effect::StoreLost);
        }
    }

    pub(super) fn store_back(&mut self) {
        if std::mem::replace(&mut self.store_lost, false) {
            self.effects.push_back(Effect::StoreBack);
        }
    }

    fn fresh_token(&mut self) -> Token {
        self.next_token = self.next_token.wrapping_add(1);
        Token(self.next_token)
    }

    pub(super) fn fresh_nonce(&mut self) -> u128 {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce
    }
}
