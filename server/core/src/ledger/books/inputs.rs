//! What goes into the books of a workspace: blocks that are wanted, and news of it.

use super::state::WorkspaceBooks;
use crate::ledger::block::{BookRefusal, WantedBlock};
use crate::ledger::bounds::{LEARNED_MAX, WANTED_MAX};
use crate::ledger::effect::ShardReply;
use crate::ledger::input::ShardInput;
use crate::ledger::outbox::Outbox;
use crate::ledger::statement::Statement;
use crate::ledger::tenure::Tenure;
use crate::time::Timestamp;

impl WorkspaceBooks {
    /// Takes in what the workspace's allocator or its host asks for.
    pub(in crate::ledger) fn apply(
        &mut self,
        now: Timestamp,
        input: ShardInput,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        match input {
            ShardInput::Want(want) => self.want(now, want, tenure, outbox),
            ShardInput::Learn { limit, learned, .. } => {
                let known = self.marks().and_then(|marks| marks.learned.get(&limit));
                let is_known = known == Some(&learned) && self.flight.is_none();
                if self.pending.learned.len() < LEARNED_MAX && !is_known {
                    self.pending.learned.insert(limit, learned);
                }
            }
            ShardInput::Exhausted { key, window, budget } => {
                if self.pending.exhausted.len() < WANTED_MAX {
                    let booked = self.booked.entry(key.clone()).or_default();
                    (booked.exhausted, booked.end) = (true, window.end.earliest);
                    self.pending.exhausted.insert(key, (window, budget));
                }
            }
            ShardInput::State { statement, .. } => self.state(statement),
            ShardInput::Forget { .. } => {
                self.pending.learned.clear();
                self.pending.statement = None;
                self.pending.is_deleted = true;
            }
        }
        self.pump(now, tenure, outbox);
    }

    /// Opens the workspace with an allocator of this life, once its marks are known.
    pub(in crate::ledger) fn open(
        &mut self,
        now: Timestamp,
        life: u64,
        tenure: &Tenure<'_>,
        outbox: &mut Outbox,
    ) {
        self.opens = Some(life);
        self.pump(now, tenure, outbox);
    }

    /// The last block that is wanted of a window counts.
    fn want(&mut self, now: Timestamp, want: WantedBlock, tenure: &Tenure<'_>, outbox: &mut Outbox) {
        let key = want.key();
        let full = self.pending.wanted.len() >= WANTED_MAX && !self.pending.wanted.contains_key(&key);
        if want.is_too_early(now, tenure.horizon.runway) {
            self.refuse(&want, BookRefusal::TooEarly, outbox);
        } else if full {
            self.refuse(&want, BookRefusal::TooMany, outbox);
        } else {
            self.pending.wanted.insert(key, want);
        }
    }

    /// A statement is written before anything else is booked; at once, where it is urgent.
    fn state(&mut self, statement: Statement) {
        let pending = self.pending.statement.as_ref();
        let is_urgent = statement.is_urgent
            || pending.is_some_and(|pending| pending.is_urgent && pending.life == statement.life);
        self.pending.statement = Some(Statement { is_urgent, ..statement });
    }

    pub(super) fn refuse(&self, want: &WantedBlock, why: BookRefusal, outbox: &mut Outbox) {
        outbox.reply(&self.id, ShardReply::refused(want, why));
    }

    /// Drops blocks that are wanted: nothing is booked here any more.
    pub(in crate::ledger) fn want_nothing(&mut self) {
        self.pending.wanted.clear();
        self.opens = None;
    }
}
