//! A replay: instant after instant, what happens and what is decided.

use apportion_core::scenario::{Record, Scenario};

use super::state::{Happening, Oracle};
use super::tree::ROOT;

/// Replays a scenario by the rules, and returns the event log.
///
/// # Panics
/// If the scenario uses what the oracle does not know.
pub fn replay(scenario: &Scenario) -> Vec<Record> {
    Oracle::new(scenario).run()
}

impl Oracle<'_> {
    fn run(mut self) -> Vec<Record> {
        let finish = self.start_of(i128::from(self.scenario.windows));
        loop {
            self.now = self.next_instant();
            if self.now >= finish {
                return self.log;
            }
            if self.now == self.next_opening() {
                self.roll();
            }
            self.happen();
            self.ask_again();
            self.decide();
            let refused = self.refuse();
            if self.expire() || refused {
                self.decide(); // they left room in their queues
            }
        }
    }

    fn next_instant(&self) -> i128 {
        let listed = self.timeline.front().map(|(at, _)| *at);
        let deadline = self.deadlines.first().map(|due| due.at);
        let returning = self.thinking.first().map(|due| due.at);
        let has_waiting = self.tree.children[ROOT].iter().any(|&v| self.tree.nodes[v].waits_anywhere());
        let may_grant = self.window >= 0 && self.left > 0 && has_waiting;
        let step = if may_grant { self.next_step(self.now) } else { None };
        [listed, deadline, returning, step].into_iter().flatten().fold(self.next_opening(), i128::min)
    }

    fn happen(&mut self) {
        while self.timeline.front().is_some_and(|(at, _)| *at == self.now) {
            match self.timeline.pop_front() {
                Some((_, Happening::Event(event))) => self.change(&event.what),
                Some((_, Happening::Demand(k))) => self.arrive(k),
                None => {}
            }
        }
    }
}
