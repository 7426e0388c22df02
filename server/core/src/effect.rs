//! What an allocator asks of the world around it, in the order in which it is to be done.

use crate::facts::Learned;
use crate::ids::LimitId;
use crate::ledger::{Series, Statement};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::time::Span;
use crate::window::Window;
use std::collections::VecDeque;

/// What the allocator asks of the world around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Book so many more permits of a window in the ledger, then report the result with `Allocator::booked`,
    /// `Allocator::window_spent` or `Allocator::book_refused`.
    Book {
        /// The limit.
        limit: LimitId,
        /// In which series of windows.
        series: Series,
        /// The window.
        window: Window,
        /// How many more permits.
        permits: Permits,
        /// The budget of that window: the mark never rises above it.
        budget: Permits,
        /// How long before its start the window may be booked at the least: its guard.
        ahead: Span,
    },
    /// Write down what was learned of a limit, so that a restart does not forget it.
    Learn {
        /// The limit.
        limit: LimitId,
        /// What is known now.
        learned: Learned,
    },
    /// A window counts as used: write down that all of it is booked, so that a restart does not forget it.
    Exhausted {
        /// The limit.
        limit: LimitId,
        /// The window.
        window: Window,
        /// Its budget.
        budget: Permits,
    },
    /// Send the ledger a statement of where windows lie, and what was granted where they lay before; once it is written, report that
    /// with `Allocator::stated`.
    State(Statement),
}

/// Effects that are to be carried out, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects(VecDeque<Effect>);

impl Effects {
    /// Appends an effect.
    pub(crate) fn push(&mut self, effect: Effect) {
        self.0.push_back(effect);
    }

    /// Takes the next one out.
    pub(crate) fn pop(&mut self) -> Option<Effect> {
        self.0.pop_front()
    }

    /// What is known of a limit is to be written down.
    pub(crate) fn learn(&mut self, limit: &Limit) {
        self.push(Effect::Learn { limit: limit.id.clone(), learned: limit.facts.learned() });
    }

    /// A window of a limit counts as used.
    pub(crate) fn exhausted(&mut self, limit: &Limit, window: Window, budget: Permits) {
        self.push(Effect::Exhausted { limit: limit.id.clone(), window, budget });
    }

    /// Budgets fell: blocks that are not booked yet keep to them.
    pub(crate) fn lower_budgets(&mut self, limits: &[Limit]) {
        for effect in &mut self.0 {
            let Effect::Book { limit, window, budget, .. } = effect else { continue };
            let Some(known) = limits.iter().find(|known| known.id == *limit) else { continue };
            let is_in_force = window.start.earliest <= known.window.start.earliest;
            *budget = (*budget).min(if is_in_force { known.budget } else { known.next_budget() });
        }
    }
}
