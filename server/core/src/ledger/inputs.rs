//! What goes into a shard: blocks that are wanted, news of workspaces, take-over and hand-over, time.

use super::block::{BookRefusal, WantedBlock};
use super::bounds::{LEARNED_MAX, WANTED_MAX};
use super::input::ShardInput;
use super::mark::MarkKey;
use super::shard::{Shard, Stage};
use super::statement::Statement;
use crate::facts::Learned;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::permits::Permits;
use crate::time::Timestamp;
use crate::window::Window;

impl Shard {
    /// Takes in what a workspace's allocator or its host asks for.
    pub fn apply(&mut self, now: Timestamp, input: ShardInput) {
        match input {
            ShardInput::Want(block) => self.want(now, block),
            ShardInput::Learn { workspace, limit, learned } => self.learn(now, workspace, limit, learned),
            ShardInput::Exhausted { key, window, budget } => self.exhausted(now, key, &window, budget),
            ShardInput::State { workspace, statement } => self.state(now, workspace, statement),
            ShardInput::Forget { workspace } => self.forget(now, workspace),
        }
    }

    /// Asks for a block. The last one that is wanted of a window counts. The reply is [`ShardReply::Booked`] or
    /// [`ShardReply::Refused`], unless the shard is lost before.
    ///
    /// [`ShardReply::Booked`]: super::ShardReply::Booked
    /// [`ShardReply::Refused`]: super::ShardReply::Refused
    pub fn want(&mut self, now: Timestamp, want: WantedBlock) {
        let key = MarkKey {
            workspace: want.workspace.clone(),
            limit: want.limit.clone(),
            window_start: want.window.start.earliest,
        };
        let full = self.pending.wanted.len() >= WANTED_MAX && !self.pending.wanted.contains_key(&key);
        if !self.is_serving() {
            self.refuse(key, &want, BookRefusal::NotOwner);
        } else if want.window.start.earliest > now + self.horizon.runway.max(want.ahead) {
            self.refuse(key, &want, BookRefusal::TooEarly);
        } else if full {
            self.refuse(key, &want, BookRefusal::TooMany);
        } else {
            self.pending.wanted.insert(key, want);
            self.pump(now);
        }
    }

    /// Takes in what an allocator states about its workspace. It is written before anything else is booked; at once, where it is
    /// urgent.
    pub fn state(&mut self, now: Timestamp, workspace: WorkspaceId, statement: Statement) {
        if self.is_serving() {
            let pending = self.pending.statements.get(&workspace);
            let is_urgent = statement.is_urgent
                || pending.is_some_and(|pending| pending.is_urgent && pending.life == statement.life);
            self.pending.statements.insert(workspace, Statement { is_urgent, ..statement });
            self.pump(now);
        }
    }

    /// Forgets what was learned of the limits of a workspace that is deleted.
    pub fn forget(&mut self, now: Timestamp, workspace: WorkspaceId) {
        if self.is_serving() {
            self.pending.learned.retain(|(of, _), _| *of != workspace);
            self.pending.statements.remove(&workspace);
            self.pending.deleted.insert(workspace);
            self.pump(now);
        }
    }

    /// Takes in what was learned about a limit; it is written with the next compare-and-swap.
    pub fn learn(&mut self, now: Timestamp, workspace: WorkspaceId, limit: LimitId, learned: Learned) {
        let limit = (workspace, limit);
        let known = self.record().and_then(|record| record.learned.get(&limit));
        let full = self.pending.learned.len() >= LEARNED_MAX;
        if self.is_serving() && !full && (known != Some(&learned) || self.flight.is_some()) {
            self.pending.learned.insert(limit, learned);
            self.pump(now);
        }
    }

    /// Counts all of the budget of `window` as booked from the next write on.
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

    /// Hands the shard over to `to`. `granted` is how many permits of each window this process granted since it took the shard
    /// over; what it booked of them beyond that goes back. Of a window that is not named nothing does. Everything is void here from
    /// this call on, whatever the outcome.
    pub fn hand_over(&mut self, now: Timestamp, to: NodeId, granted: &[(MarkKey, Permits)]) {
        if self.is_serving() {
            self.stage = Stage::Leaving(to, granted.iter().cloned().collect());
            self.pending.wanted.clear();
            self.pump(now);
        }
    }

    /// Lets time pass: retries a read that failed, and forgets windows that are long over.
    pub fn advance(&mut self, now: Timestamp) {
        self.booked.retain(|key, booked| {
            let length = booked.end.since(key.window_start);
            now.since(booked.end) <= length + length
        });
        if self.flight.as_ref().is_some_and(|flight| flight.is_due(now)) {
            self.read();
        }
    }
}
