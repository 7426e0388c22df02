//! What would become of a request, and why. The rules that decide on real requests answer, on copies.

use super::rehearsal::Rehearsal;
use super::state::Allocator;
use crate::explanation::{Explanation, Obstacle, Prospect, Rule, WaitingAhead};
use crate::permits::Permits;
use crate::request::{Ask, Refusal};
use crate::rules::Place;
use crate::time::Timestamp;

/// What a first look at a request finds.
struct FirstLook {
    prospect: Prospect,
    obstacle: Option<Obstacle>,
    earliest: Option<Timestamp>,
}

impl Allocator {
    /// What would become of a request that came at `now`, and why. Changes nothing: it works on copies, so its cost is in proportion
    /// to what waits. A request id is ignored. What the store was asked to book counts as booked, unless it cannot be reached.
    #[must_use]
    pub fn explain(&self, now: Timestamp, ask: &Ask) -> Explanation {
        let now = now.max(self.advanced_to);
        let patient = Ask { deadline: Timestamp::MAX, ..ask.clone() };
        let FirstLook { prospect: prospect_without_deadline, mut obstacle, earliest } =
            self.find(now, &patient);
        let prospect = match obstacle {
            Some(_) => self.find(now, ask).prospect,
            None => prospect_without_deadline.clone(),
        };
        if let (Prospect::Refused { at, refusal }, Some(obstacle)) = (&prospect, &mut obstacle)
            && *at == now
        {
            (obstacle.reason, obstacle.limit) = (refusal.reason, refusal.limit.clone());
        }
        let around = Explanation {
            now,
            priority: None,
            prospect,
            prospect_without_deadline,
            obstacle,
            earliest,
            available: Permits::ZERO,
            limits: Vec::new(),
            path: Vec::new(),
            waiting: WaitingAhead::default(),
        };
        self.look_around(now, ask, around)
    }

    /// What becomes of a request, and what stops it at first.
    fn find(&self, now: Timestamp, ask: &Ask) -> FirstLook {
        let mut asked = Rehearsal::of(self);
        let ticket = match asked.ask(now, ask) {
            Ok(ticket) => ticket,
            Err(refusal) => {
                let obstacle = Some(refused(&refusal));
                return FirstLook {
                    prospect: Prospect::Refused { at: now, refusal },
                    obstacle,
                    earliest: None,
                };
            }
        };
        let waiting = asked.allocator.contest.queue().find(ticket);
        let (obstacle, earliest) = match waiting {
            Some(slot) => {
                let rules = asked.allocator.rules();
                (Some(rules.obstacle(slot, now)), rules.earliest_after(slot, now, now))
            }
            None => (None, None),
        };
        FirstLook { prospect: asked.prospect(ticket), obstacle, earliest }
    }

    /// What a request finds when it comes.
    fn look_around(&self, now: Timestamp, ask: &Ask, explanation: Explanation) -> Explanation {
        let mut before = Rehearsal::of(self);
        before.decide(now, None);
        let allocator = &before.allocator;
        let (rules, contest) = (allocator.rules(), &allocator.contest);
        let team = contest.find_team(&ask.team).filter(|&team| contest.tree()[team].is_leaf());
        let Some(team) = team else { return explanation };
        let priority = contest.tree().priority_rule(team).served(ask.priority);
        let place = Place { team, priority, now };
        let waiting = WaitingAhead {
            requests: u64::try_from(contest.queue().len()).unwrap_or(u64::MAX),
            permits: contest.queue().queued,
            permits_of_team: contest.backlog().queued(team, priority),
        };
        Explanation {
            priority: Some(priority),
            available: rules.available(place),
            limits: rules.limit_rooms(place),
            path: rules.path_rooms(place),
            waiting,
            ..explanation
        }
    }
}

fn refused(refusal: &Refusal) -> Obstacle {
    Obstacle { rule: Rule::Refused, reason: refusal.reason, limit: refusal.limit.clone() }
}
