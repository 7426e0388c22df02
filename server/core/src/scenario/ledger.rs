//! The ledger of a replay: its store answers at once and never fails.

use crate::allocator::{Allocator, Effect};
use crate::ids::LimitId;
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// How much of each window is booked.
#[derive(Default)]
pub(super) struct InstantLedger {
    marks: BTreeMap<(LimitId, Timestamp), Permits>,
}

impl InstantLedger {
    /// Carries out everything that the allocator asks for. Before `origin` every window is used up. Returns whether a block was
    /// booked.
    pub(super) fn carry_out(&mut self, allocator: &mut Allocator, origin: Timestamp) -> bool {
        let mut booked = false;
        while let Some(effect) = allocator.next_effect() {
            match effect {
                Effect::State(statement) => allocator.stated(statement.life, statement.number),
                Effect::Book { limit, series, window, permits, budget, .. } => {
                    let window_start = window.start.earliest;
                    let spent = if window_start < origin { budget } else { Permits::ZERO };
                    let mark = self.marks.entry((limit, window_start)).or_insert(spent);
                    let (from, to) = (*mark, (*mark + permits).min(budget.max(*mark)));
                    *mark = to;
                    allocator.booked(series, window_start, from, to);
                    booked = true;
                }
                Effect::Learn { .. } | Effect::Exhausted { .. } => {}
            }
        }
        booked
    }
}
