//! Plays a scenario through the allocator on virtual time.
//!
//! At one instant: windows roll, then events in file order, then demand in file order, then workers that come back, then decisions.

use super::amend::amend;
use super::event::Change;
use super::record::Record;
use super::replay::{Due, Replay, Request};
use super::script::Scenario;
use crate::ids::TeamId;
use crate::observation::{Observation, Reset};
use crate::permits::Permits;
use crate::policy::{LimitPolicy, PolicyError};
use crate::request::Usage;
use crate::time::{Span, Timestamp};
use crate::window::Grid;

/// Plays a scenario to the end of its last window and returns what happened, in order of time.
///
/// # Errors
/// What [`Policy::check`] finds in the scenario's policy, or in one that an event changed.
///
/// [`Policy::check`]: crate::policy::Policy::check
pub fn replay(scenario: &Scenario) -> Result<Vec<Record>, PolicyError> {
    let mut replay = Replay::new(scenario)?;
    replay.run()?;
    Ok(replay.records)
}

impl Replay<'_> {
    fn run(&mut self) -> Result<(), PolicyError> {
        let end = self.start_of(self.scenario.windows);
        while let Some(now) = self.next_instant().filter(|&now| now < end) {
            self.roll(now);
            self.allocator.advance(now);
            self.collect(now);
            for due in self.due.remove(&now).unwrap_or_default() {
                match due {
                    Due::Event(at) => self.happen(now, at)?,
                    Due::Demand(at) => self.come(now, at),
                }
            }
            for demand in self.thinking.remove(&now).unwrap_or_default() {
                self.ask(now, demand);
            }
            self.decide(now);
        }
        Ok(())
    }

    /// Decides until nothing is left to do at this instant: every block asked for is booked at once.
    fn decide(&mut self, now: Timestamp) {
        loop {
            self.allocator.decide(now);
            let answered = self.collect(now);
            let booked = self.ledger.carry_out(&mut self.allocator, self.scenario.origin);
            if !answered && !booked {
                return;
            }
        }
    }

    fn happen(&mut self, now: Timestamp, at: usize) -> Result<(), PolicyError> {
        match &self.scenario.events[at].what {
            Change::Return { team, permits } => self.give_back(now, team, *permits),
            Change::Upstream { limit, remaining, permits, throttled } => {
                let known = self.policy.limits.iter().find(|known| known.id == *limit);
                let Some(LimitPolicy { window, phase, .. }) = known else { return Ok(()) };
                let end = Grid::new(*window, *phase).at(now).end.earliest;
                let observation = Observation {
                    reset: Some(Reset { at: end, within: Span::ZERO }),
                    remaining: *remaining,
                    permits: *permits,
                    throttled: *throttled,
                    ..Observation::new(limit.clone())
                };
                self.allocator.observe(now, &observation);
            }
            Change::Cancel { tag } => {
                let demand = &self.scenario.demand;
                let tagged = |request: &Request| demand[request.demand].tag.as_ref() == Some(tag);
                let tickets =
                    self.waiting.iter().filter(|(_, request)| tagged(request)).map(|(ticket, _)| *ticket);
                for ticket in tickets.collect::<Vec<_>>() {
                    self.allocator.cancel(now, ticket);
                    self.waiting.remove(&ticket);
                }
            }
            change => {
                amend(&mut self.policy, change);
                self.allocator.set_policy(now, self.policy.clone())?;
                self.collect(now);
            }
        }
        Ok(())
    }

    /// Permits of a team's oldest open leases come back.
    fn give_back(&mut self, now: Timestamp, team: &TeamId, permits: Permits) {
        let mut left = permits;
        let held = self.held.entry(team.clone()).or_default();
        while let Some(lease) = held.front_mut().filter(|_| !left.is_zero()) {
            let n = lease.left.min(left);
            lease.returned += n;
            lease.left -= n;
            let caller = &self.scenario.demand[lease.demand].caller;
            let settled = self.allocator.settle(
                now,
                lease.id,
                (team, caller),
                Usage { used: Permits::ZERO, returned: lease.returned, is_final: false },
            );
            left -= settled.map_or(Permits::ZERO, |settled| settled.accepted);
            if lease.left.is_zero() {
                held.pop_front();
            }
        }
        self.records.push(Record::Return {
            at: now,
            team: team.clone(),
            permits,
            accepted: permits.less(left),
            window: self.window.unwrap_or(0),
        });
    }
}
