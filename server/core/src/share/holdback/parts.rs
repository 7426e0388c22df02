//! What is held back from a grant, by whom it is held back for.

use super::Holdback;
use crate::priority::Priority;
use crate::share::tree::NodeIx;

/// For whom permits are held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holder {
    /// Late requests of a priority, whoever sends them.
    Priority(Priority),
    /// A team that is expected to ask in a priority.
    Team(NodeIx, Priority),
}

impl Holdback {
    /// The parts of [`Holdback::held_from`], which add up to it. None of them is 0.
    pub(crate) fn parts_held_from(&self, team: NodeIx, c: Priority) -> Vec<(Holder, u64)> {
        let (mut parts, mut set) = (Vec::new(), 0);
        for higher in c.higher() {
            if self.held[1 << higher.index()] > self.teams.total[higher] {
                let before = self.held[set];
                set |= 1 << higher.index();
                parts.push((Holder::Priority(higher), u64::from(self.held[set].saturating_sub(before))));
            } else {
                parts.extend(self.of_teams(higher, |_| true, |demand| demand.hold));
            }
        }
        let is_other = |other| other != team;
        if self.of(team, c).is_ahead() {
            parts.extend(self.of_teams(c, is_other, |demand| demand.unmet));
        } else {
            parts.extend(self.of_teams(c, is_other, |demand| demand.hold));
        }
        parts.retain(|&(_, permits)| permits > 0);
        debug_assert_eq!(parts.iter().map(|&(_, n)| n).sum::<u64>(), self.held_from(team, c));
        parts
    }

    fn of_teams(
        &self,
        c: Priority,
        is_held_for: impl Fn(NodeIx) -> bool,
        held: fn(&super::ExpectedDemand) -> u32,
    ) -> impl Iterator<Item = (Holder, u64)> {
        let demand = self.teams.demand.iter().enumerate();
        let of_team = move |(place, demand): (usize, &crate::priority::PerPriority<_>)| {
            (NodeIx::new(place), u64::from(held(&demand[c])))
        };
        let held_for = demand.map(of_team).filter(move |&(team, _)| is_held_for(team));
        held_for.map(move |(team, permits)| (Holder::Team(team, c), permits))
    }
}
