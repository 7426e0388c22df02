//! What a policy promises together, against the budget that it is promised out of.

use super::settings::{Policy, Share, TeamPolicy};
use crate::ids::TeamId;
use std::collections::BTreeMap;

/// What is promised of a window of the shortest limit, and what there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promised {
    /// Reservations, floors and holdback added up, in permits, rounded up.
    pub needed: u64,
    /// The budget, in permits.
    pub budget: u64,
}

impl Promised {
    /// Whether more is promised than there is: then reservations shrink in proportion.
    pub fn is_too_much(self) -> bool {
        self.needed > self.budget
    }
}

type Parts<'a> = BTreeMap<Option<&'a TeamId>, Vec<&'a TeamPolicy>>;

impl Policy {
    /// What this policy promises, once [`Policy::check`] has passed it. A team is promised its own reservation or those of its parts
    /// together, whichever is more.
    pub fn promised(&self) -> Promised {
        let mut parts = Parts::new();
        for team in &self.teams {
            parts.entry(team.parent.as_ref()).or_default().push(team);
        }
        let budget = self.limits.get(self.primary_limit()).map(|limit| limit.permits).unwrap_or_default();
        let shares = self.floors.0.iter().chain(&self.holdback.0);
        let shares: u64 = shares.map(|share| share.of(budget)).sum();
        let reserved = u128::from(below(&parts, None)) * u128::from(Share::WHOLE);
        let needed = (reserved + u128::from(shares)).div_ceil(u128::from(Share::WHOLE));
        Promised { needed: u64::try_from(needed).unwrap_or(u64::MAX), budget: u64::from(budget) }
    }
}

/// What the teams right below `parent` are promised; `None` stands for the workspace. At most as deep as teams are nested.
fn below(parts: &Parts<'_>, parent: Option<&TeamId>) -> u64 {
    let teams = parts.get(&parent).map_or(&[][..], |teams| teams);
    teams.iter().map(|team| u64::from(team.reservation).max(below(parts, Some(&team.id)))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LimitId;
    use crate::permits::Permits;
    use crate::policy::{LimitPolicy, Margins};
    use crate::priority::PerPriority;
    use crate::time::Span;

    fn limit(id: &str, permits: u32, seconds: u64) -> LimitPolicy {
        let (id, permits) = (LimitId::new(id).expect("a name"), Permits::new(permits).expect("a number"));
        let margins = Margins::DEFAULT;
        LimitPolicy { id, permits, window: Span::from_secs(seconds), phase: Span::ZERO, margins }
    }

    fn team(id: &str, parent: Option<&str>, reservation: u32) -> TeamPolicy {
        let name = |id| TeamId::new(id).expect("a name");
        let reservation = Permits::new(reservation).expect("a number");
        TeamPolicy { parent: parent.map(name), reservation, ..TeamPolicy::new(name(id)) }
    }

    fn promised(policy: &Policy) -> (u64, u64) {
        let Promised { needed, budget } = policy.promised();
        (needed, budget)
    }

    #[test]
    fn reservations_floors_and_holdback_add_up_to_the_last_permit() {
        let mut policy = Policy::plain(limit("l", 166, 10), vec![team("a", None, 60), team("b", None, 47)]);
        assert_eq!(promised(&policy), (107, 166));
        policy.holdback = PerPriority([20, 0, 0].map(Share::from_percent));
        policy.floors = PerPriority([0, 10, 5].map(Share::from_percent));
        assert_eq!(promised(&policy), (166, 166), "58.1 permits of shares are rounded up");
        assert!(!policy.promised().is_too_much());
        policy.teams.push(team("c", None, 1));
        assert_eq!(promised(&policy), (167, 166));
        assert!(policy.promised().is_too_much());
    }

    #[test]
    fn a_team_counts_with_its_own_reservation_or_with_those_of_its_parts() {
        let teams = vec![team("a", None, 10), team("b", Some("a"), 4), team("c", Some("a"), 5)];
        let mut policy = Policy::plain(limit("l", 100, 10), teams);
        assert_eq!(promised(&policy).0, 10);
        policy.teams.push(team("d", Some("c"), 8));
        assert_eq!(promised(&policy).0, 12);
    }

    #[test]
    fn the_limit_with_the_shortest_window_counts() {
        let mut policy = Policy::plain(limit("minute", 10, 60), vec![team("a", None, 50)]);
        policy.limits.push(limit("short", 60, 10));
        assert_eq!(promised(&policy), (50, 60));
    }
}
