//! What is held back for requests to come: expected demand of teams, and the holdback of priorities. Both are released evenly
//! until the guard of the limit's window, in whole permits.

pub(crate) mod parts;

use super::demand::ExpectedDemand;
use crate::boxed::{Boxed, Empty};
use crate::permits::Permits;
use crate::policy::{BILLION, Share};
use crate::priority::{PerPriority, Priority};
use crate::share::remaining::{Fraction, Remaining};
use crate::share::tree::{NodeIx, Tree};
use crate::share::waterfill::divide;
use crate::time::{Span, Timestamp};

/// What is held back in the window of one limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holdback {
    /// Nothing where nothing was granted or is expected.
    teams: Boxed<Teams>,
    /// The holdback of the priorities in each set (bit i: priority i) of those that are higher than another, rounded up.
    held: [u32; 4],
    /// The next instant at which something held back gets smaller.
    pub(crate) next_step: Option<Timestamp>,
}

/// What teams were granted and are expected to ask for.
#[derive(Clone, Debug, Default)]
struct Teams {
    demand: Vec<PerPriority<ExpectedDemand>>,
    /// Teams and priorities of which something is expected.
    expecting: Vec<(NodeIx, Priority)>,
    /// What teams were granted in this window, added up.
    granted: u64,
    /// The holds of a priority, added up: never above the budget, out of which the expectations were divided.
    total: PerPriority<u32>,
    /// What was expected in a priority and not granted yet, added up; never above it either.
    unmet: PerPriority<u32>,
}

impl Empty for Teams {
    fn empty() -> &'static Self {
        static EMPTY: Teams = Teams {
            demand: Vec::new(),
            expecting: Vec::new(),
            granted: 0,
            total: PerPriority([0; 3]),
            unmet: PerPriority([0; 3]),
        };
        &EMPTY
    }
}

impl Teams {
    /// Changes what is expected of a team, and the sums with it.
    fn change(&mut self, team: NodeIx, c: Priority, change: impl FnOnce(&mut ExpectedDemand)) {
        let demand = &mut self.demand[team.place()][c];
        let before = *demand;
        change(demand);
        self.unmet[c] = self.unmet[c] - before.unmet + demand.unmet;
        self.total[c] = self.total[c] - before.hold + demand.hold;
    }
}

/// A policy's holdback of each priority, in billionths of a permit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HoldbackSizes(PerPriority<u64>);

impl HoldbackSizes {
    /// The holdback of every priority at a budget.
    pub(crate) fn new(shares: &PerPriority<Share>, budget: Permits) -> Self {
        Self(PerPriority(shares.0.map(|share| share.of(budget))))
    }

    fn sum(&self, priorities: impl Iterator<Item = Priority>) -> Fraction {
        Fraction { parts: priorities.map(|c| self.0[c]).sum(), per_permit: BILLION }
    }

    fn of_set(&self, set: usize) -> Fraction {
        self.sum(Priority::ALL.into_iter().filter(|c| set >> c.index() & 1 == 1))
    }

    /// What of all that is held back from a grant in `c` goes with time alone: the holdback of higher priorities. Anything else may
    /// go at once, when an expected request comes.
    pub(crate) fn surely_held(&self, c: Priority, remaining: Remaining) -> u64 {
        remaining.of(self.sum(c.higher()))
    }
}

/// Out of what the expected demand of a window is divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) budget: Permits,
    pub(crate) floors: &'a PerPriority<Share>,
}

/// How far time has let go of what is held back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decay<'a> {
    pub(crate) now: Timestamp,
    pub(crate) remaining: Remaining,
    pub(crate) sizes: &'a HoldbackSizes,
    /// Protected reservations: they get smaller too.
    pub(crate) reserved: &'a [Fraction],
}

impl Holdback {
    fn at(&mut self, team: NodeIx) -> &mut PerPriority<ExpectedDemand> {
        let demand = &mut self.teams.demand;
        if demand.len() <= team.place() {
            demand.resize(team.place() + 1, PerPriority::default());
        }
        &mut demand[team.place()]
    }

    fn of(&self, team: NodeIx, c: Priority) -> ExpectedDemand {
        self.teams.demand.get(team.place()).map(|demand| demand[c]).unwrap_or_default()
    }

    /// Permits were granted to a team.
    pub(crate) fn grant(&mut self, team: NodeIx, c: Priority, n: Permits, queued: u64) {
        self.set_granted(team, c, |granted| granted.saturating_add(n.get()));
        self.refresh(team, c, queued);
    }

    /// Permits of a team came back.
    pub(crate) fn give_back(&mut self, team: NodeIx, c: Priority, n: Permits, queued: u64) {
        self.set_granted(team, c, |granted| granted.saturating_sub(n.get()));
        self.refresh(team, c, queued);
    }

    fn set_granted(&mut self, team: NodeIx, c: Priority, change: impl FnOnce(u32) -> u32) {
        let demand = &mut self.at(team)[c];
        let before = demand.granted;
        demand.granted = change(before);
        let after = demand.granted;
        self.teams.granted = self.teams.granted + u64::from(after) - u64::from(before);
    }

    /// A request that came before the guard was not granted.
    pub(crate) fn cut_short(&mut self, team: NodeIx, c: Priority) {
        self.at(team)[c].is_cut_short = true;
    }

    /// A request was granted before the guard, in whole or in part.
    pub(crate) fn note_grant(&mut self, team: NodeIx, c: Priority, is_partial: bool) {
        self.at(team)[c].has_partial = is_partial;
    }

    /// Updates what is held back for a team after its queue, grants or expectation changed.
    pub(crate) fn refresh(&mut self, team: NodeIx, c: Priority, queued: u64) {
        if self.of(team, c).expected > 0 {
            self.teams.change(team, c, |demand| demand.refresh(queued));
        }
    }

    /// What is held back for a team in a priority.
    pub(crate) fn hold(&self, team: NodeIx, c: Priority) -> u64 {
        u64::from(self.of(team, c).hold)
    }

    /// What a team was granted in this window in a priority.
    pub(crate) fn granted_to(&self, team: NodeIx, c: Priority) -> u64 {
        u64::from(self.of(team, c).granted)
    }

    /// What all teams were granted in this window.
    pub(crate) fn granted(&self) -> u64 {
        self.teams.granted
    }

    /// What a priority was granted in this window, less what came back.
    pub(crate) fn granted_in(&self, c: Priority) -> u64 {
        self.teams.demand.iter().map(|demand| u64::from(demand[c].granted)).sum()
    }

    /// Forgets a team that was removed.
    pub(crate) fn forget(&mut self, team: NodeIx) {
        if team.place() >= self.teams.demand.len() {
            return;
        }
        let teams = &mut *self.teams;
        for c in Priority::ALL {
            let ExpectedDemand { granted, unmet, hold, .. } =
                std::mem::take(&mut teams.demand[team.place()][c]);
            teams.granted -= u64::from(granted);
            teams.unmet[c] -= unmet;
            teams.total[c] -= hold;
        }
        teams.expecting.retain(|&(expected, _)| expected != team);
    }

    /// What is held back from a grant in `c` to a team: for higher priorities the larger of holdback and holds, in its own
    /// what other teams are expected to ask for. What of that waits already competes with it by tags, unless it was granted more
    /// than its share: tags know nothing of what was granted while nothing waited.
    pub(crate) fn held_from(&self, team: NodeIx, c: Priority) -> u64 {
        let (mut set, mut holds) = (0, 0);
        for higher in c.higher() {
            if self.held[1 << higher.index()] > self.teams.total[higher] {
                set |= 1 << higher.index();
            } else {
                holds += u64::from(self.teams.total[higher]);
            }
        }
        let own = self.of(team, c);
        let siblings =
            if own.is_ahead() { self.teams.unmet[c] - own.unmet } else { self.teams.total[c] - own.hold };
        u64::from(self.held[set]) + holds + u64::from(siblings)
    }

    /// Releases what is due: `queued` returns what waits.
    pub(crate) fn decay(&mut self, decay: &Decay<'_>, queued: impl Fn(NodeIx, Priority) -> u64) {
        let remaining = decay.remaining;
        let mut step = Span::MAX;
        let mut part_of = |amount: Fraction| {
            let part = remaining.of(amount);
            step = step.min(remaining.until_less(part, amount).unwrap_or(Span::MAX));
            u32::try_from(part).unwrap_or(u32::MAX)
        };
        for set in 1..self.held.len() {
            self.held[set] = part_of(decay.sizes.of_set(set));
        }
        for &reserved in decay.reserved {
            part_of(reserved);
        }
        for at in 0..self.teams.expecting.len() {
            let (team, c) = self.teams.expecting[at];
            self.teams.change(team, c, |demand| {
                demand.reserved = part_of(Fraction::whole(u64::from(demand.expected)));
                demand.refresh(queued(team, c));
            });
        }
        self.next_step = (step != Span::MAX).then(|| decay.now + step);
        debug_assert!(self.adds_up());
    }

    /// Whether the sums are those of their parts.
    fn adds_up(&self) -> bool {
        let sum = |c, of: fn(&ExpectedDemand) -> u32| {
            self.teams.demand.iter().map(|demand| of(&demand[c])).sum::<u32>()
        };
        Priority::ALL.into_iter().all(|c| {
            (self.teams.unmet[c], self.teams.total[c])
                == (sum(c, |demand| demand.unmet), sum(c, |demand| demand.hold))
        }) && self.teams.granted == Priority::ALL.into_iter().map(|c| self.granted_in(c)).sum::<u64>()
    }

    /// The window that follows this one, before anything of it is let go. What each team will probably ask for there is what it
    /// was granted in this one, or its whole share where it was cut short: by a refusal, by a grant in part, or since it `waits`.
    /// `ahead` has what edge permits took of it already.
    pub(crate) fn following(
        &self,
        division: &Division<'_>,
        waits: impl Fn(NodeIx, Priority) -> bool,
        ahead: Option<&Self>,
    ) -> Self {
        let asks = |team: NodeIx, c: Priority| {
            let demand = self.of(team, c);
            let is_short = demand.is_cut_short || demand.has_partial || waits(team, c);
            if is_short { u64::MAX } else { self.granted_to(team, c) }
        };
        let mut next = Self::expecting(division, asks);
        if let Some(ahead) = ahead {
            next.carry(ahead);
        }
        next
    }

    /// Divides a window by water-filling, higher priorities first, less the floors below. `asks` returns how much a team asks for;
    /// `u64::MAX`: its whole share.
    fn expecting(division: &Division<'_>, asks: impl Fn(NodeIx, Priority) -> u64) -> Self {
        let &Division { tree, budget, floors } = division;
        let is_wanted = |c: Priority| tree.all().any(|team| asks(team, c) > 0);
        let mut next = Self::default();
        if !Priority::ALL.into_iter().any(is_wanted) {
            return next;
        }
        next.teams.demand = vec![PerPriority::default(); tree.places()];
        let mut left = u64::from(budget) * BILLION;
        for c in Priority::ALL {
            let below: u64 = c.lower().filter(|&c| is_wanted(c)).map(|c| floors[c].of(budget)).sum();
            let (asked, amount) = (tree.all().map(|team| asks(team, c)), left.saturating_sub(below));
            let asked: Vec<u64> = asked.collect();
            let mut given = 0;
            divide(tree, amount, &asked, &mut |team, n| {
                let demand = ExpectedDemand::expecting(n, asked[team.place()] == u64::MAX);
                given += u64::from(demand.expected);
                if demand.expected > 0 {
                    next.teams.expecting.push((team, c));
                }
                next.teams.demand[team.place()][c] = demand;
            });
            // Whole permits are forgiven a fraction each, so they may add up to the next whole one.
            debug_assert!(given <= amount.div_ceil(BILLION));
            left = left.saturating_sub(given * BILLION);
        }
        next
    }

    /// What was granted of this window already.
    fn carry(&mut self, ahead: &Self) {
        for (team, of_team) in ahead.teams.demand.iter().enumerate() {
            for c in Priority::ALL {
                let granted = of_team[c].granted;
                if granted > 0 {
                    self.set_granted(NodeIx::new(team), c, |_| granted);
                }
            }
        }
    }
}
