//! What is kept for those who will come: expected demand of teams, and the holdback of priorities. Both are let go evenly until
//! the guard of the limit's window, in whole permits.

use crate::permits::Permits;
use crate::policy::Share;
use crate::priority::{PerPriority, Priority};
use crate::share::floor::Floor;
use crate::share::tree::{NodeIx, Tree};
use crate::share::waterfill::divide;
use crate::time::{Span, Timestamp};

/// How much of the time in which a window is open is still to come: `left` of `whole`, both until its guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remaining {
    pub(crate) left: Span,
    pub(crate) whole: Span,
}

impl Remaining {
    /// All of a window that has not opened yet.
    pub(crate) const WHOLE: Self = Self { left: Span::from_ns(1), whole: Span::from_ns(1) };

    /// `amount` times this fraction, rounded up; `per` parts make one permit.
    pub(crate) fn of(&self, amount: u64, per: u64) -> u64 {
        let whole = u128::from(self.whole.as_ns().max(1)) * u128::from(per);
        let part = u128::from(amount) * u128::from(self.left.as_ns());
        u64::try_from(part.div_ceil(whole)).unwrap_or(u64::MAX)
    }

    /// How long until `of(amount, per)` gets smaller, rounded up to a whole nanosecond.
    pub(crate) fn until_less(&self, amount: u64, per: u64) -> Option<Span> {
        let next = self.of(amount, per).checked_sub(1)?;
        let whole = u128::from(self.whole.as_ns()) * u128::from(per);
        let left = u64::try_from(u128::from(next) * whole / u128::from(amount)).unwrap_or(u64::MAX);
        Some(self.left.less(Span::from_ns(left)))
    }
}

/// One team in one priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Demand {
    /// What it will probably ask for in this window.
    expected: u32,
    /// What it was granted in this window, less what came back.
    won: u32,
    /// A request that came before the guard was not granted in this window.
    short: bool,
    /// Whether `expected` is its whole share, since it was cut short in the last window.
    whole: bool,
    /// `expected`, let go until now.
    kept: u32,
    /// Of that, what it has not won yet.
    unmet: u32,
    /// Of that, what is kept beyond what already waits.
    hold: u32,
}

impl Demand {
    /// Whether it has won more than its whole share. As much as that is left to tags, or what rounding cuts off would always be
    /// the same team's.
    fn is_ahead(&self) -> bool {
        self.whole && self.expected > 0 && self.won > self.expected
    }
}

/// What is kept in the window of one limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holdback {
    demand: Vec<PerPriority<Demand>>,
    /// Teams and priorities of which something is expected.
    expecting: Vec<(NodeIx, Priority)>,
    /// What teams were granted in this window, added up.
    won: u64,
    /// The holds of a priority, added up: never above the budget, out of which the expectations were divided.
    total: PerPriority<u32>,
    /// What was expected in a priority and not won yet, added up; never above it either.
    unmet: PerPriority<u32>,
    /// The holdback of the priorities in each set (bit i: priority i) of those that are higher than another, rounded up.
    held: [u32; 4],
    /// The next instant at which something kept gets smaller.
    pub(crate) next_step: Option<Timestamp>,
}

/// A policy's holdback in billionths of a permit.
pub(crate) type HoldbackSizes = PerPriority<u64>;

/// The holdback of every priority at a budget.
pub(crate) fn sizes(shares: &PerPriority<Share>, budget: Permits) -> HoldbackSizes {
    PerPriority(shares.0.map(|share| share.of(budget)))
}

/// What of all that is kept from a grant in `c` goes with time alone: the holdback of higher priorities. Anything else may go
/// at once, when somebody who was expected comes.
pub(crate) fn surely_kept(sizes: &HoldbackSizes, c: Priority, remaining: Remaining) -> u64 {
    remaining.of(c.higher().map(|higher| sizes[higher]).sum(), BILLION)
}

const BILLION: u64 = 1_000_000_000;

fn in_set(set: usize, c: Priority) -> bool {
    set >> c.index() & 1 == 1
}

fn of_set(sizes: &HoldbackSizes, set: usize) -> u64 {
    Priority::ALL.into_iter().filter(|&c| in_set(set, c)).map(|c| sizes[c]).sum()
}

impl Holdback {
    fn at(&mut self, team: NodeIx) -> &mut PerPriority<Demand> {
        if self.demand.len() <= team {
            self.demand.resize(team + 1, PerPriority::default());
        }
        &mut self.demand[team]
    }

    fn of(&self, team: NodeIx, c: Priority) -> Demand {
        self.demand.get(team).map(|demand| demand[c]).unwrap_or_default()
    }

    /// Permits were granted to a team.
    pub(crate) fn win(&mut self, team: NodeIx, c: Priority, n: Permits, queued: u64) {
        self.set_won(team, c, |won| won.saturating_add(n.get()));
        self.refresh(team, c, queued);
    }

    /// Permits of a team came back.
    pub(crate) fn give_back(&mut self, team: NodeIx, c: Priority, n: Permits, queued: u64) {
        self.set_won(team, c, |won| won.saturating_sub(n.get()));
        self.refresh(team, c, queued);
    }

    fn set_won(&mut self, team: NodeIx, c: Priority, change: impl FnOnce(u32) -> u32) {
        let demand = &mut self.at(team)[c];
        let before = demand.won;
        demand.won = change(before);
        let after = demand.won;
        self.won = self.won + u64::from(after) - u64::from(before);
    }

    /// A request that came before the guard was not granted.
    pub(crate) fn cut_short(&mut self, team: NodeIx, c: Priority) {
        self.at(team)[c].short = true;
    }

    /// A team's queue, granted permits or expectation changed: what is kept for it follows.
    pub(crate) fn refresh(&mut self, team: NodeIx, c: Priority, queued: u64) {
        let Some(demand) = self.demand.get_mut(team).map(|demand| &mut demand[c]) else { return };
        if demand.expected == 0 {
            return;
        }
        let unmet = demand.kept.min(demand.expected.saturating_sub(demand.won));
        let hold = u32::try_from(u64::from(unmet).saturating_sub(queued)).unwrap_or(u32::MAX);
        self.unmet[c] = self.unmet[c] - demand.unmet + unmet;
        self.total[c] = self.total[c] - demand.hold + hold;
        (demand.unmet, demand.hold) = (unmet, hold);
    }

    /// What is kept for a team in a priority.
    pub(crate) fn hold(&self, team: NodeIx, c: Priority) -> u64 {
        u64::from(self.of(team, c).hold)
    }

    /// Everything that teams were granted in this window.
    pub(crate) fn won_by(&self, team: NodeIx, c: Priority) -> u64 {
        u64::from(self.of(team, c).won)
    }

    /// What all won in this window.
    pub(crate) fn won(&self) -> u64 {
        self.won
    }

    /// Forgets a team that was removed.
    pub(crate) fn forget(&mut self, team: NodeIx) {
        for c in Priority::ALL {
            let Demand { won, unmet, hold, .. } = self.of(team, c);
            self.won -= u64::from(won);
            self.unmet[c] -= unmet;
            self.total[c] -= hold;
        }
        self.expecting.retain(|&(expected, _)| expected != team);
        if let Some(demand) = self.demand.get_mut(team) {
            *demand = PerPriority::default();
        }
    }

    /// What is kept from a grant in `c` to a team: for higher priorities the larger of holdback and holds, in its own
    /// what other teams are expected to ask for. What of that waits already competes with it by tags, unless it has won more
    /// than its share: tags know nothing of what was won while nobody waited.
    pub(crate) fn kept(&self, team: NodeIx, c: Priority) -> u64 {
        let (mut set, mut holds) = (0, 0);
        for higher in c.higher() {
            if self.held[1 << higher.index()] > self.total[higher] {
                set |= 1 << higher.index();
            } else {
                holds += u64::from(self.total[higher]);
            }
        }
        let own = self.of(team, c);
        let others = if own.is_ahead() { self.unmet[c] - own.unmet } else { self.total[c] - own.hold };
        u64::from(self.held[set]) + holds + u64::from(others)
    }

    /// Lets go what time has let go: `queued` tells what waits.
    pub(crate) fn decay(
        &mut self,
        now: Timestamp,
        remaining: Remaining,
        sizes: &HoldbackSizes,
        reserved: &[(u64, u64)],
        queued: impl Fn(NodeIx, Priority) -> u64,
    ) {
        let mut step = Span::MAX;
        let mut sooner = |span: Option<Span>| step = step.min(span.unwrap_or(Span::MAX));
        for set in 1..self.held.len() {
            let amount = of_set(sizes, set);
            self.held[set] = u32::try_from(remaining.of(amount, BILLION)).unwrap_or(u32::MAX);
            sooner(remaining.until_less(amount, BILLION));
        }
        for &(amount, per) in reserved {
            sooner(remaining.until_less(amount, per));
        }
        for at in 0..self.expecting.len() {
            let (team, c) = self.expecting[at];
            let expected = u64::from(self.of(team, c).expected);
            self.at(team)[c].kept = u32::try_from(remaining.of(expected, 1)).unwrap_or(u32::MAX);
            self.refresh(team, c, queued(team, c));
            sooner(remaining.until_less(expected, 1));
        }
        self.next_step = (step != Span::MAX).then(|| now + step);
    }

    /// The window that follows this one, before anything of it is let go. What each team will probably ask for there is what it won
    /// in this one, or its whole share where it was cut short: by a refusal, or since it `waits`. The shares come from
    /// water-filling, higher priorities first, less the floors below. What edge permits won of it, `won` tells.
    pub(crate) fn following(
        &self,
        tree: &Tree,
        budget: Permits,
        floors: &PerPriority<Share>,
        waits: impl Fn(NodeIx, Priority) -> bool,
        won: Option<&Self>,
    ) -> Self {
        let is_short = |team: NodeIx, c: Priority| self.of(team, c).short || waits(team, c);
        let asks = |team: NodeIx, c: Priority| {
            if is_short(team, c) { u64::MAX } else { u64::from(self.of(team, c).won) }
        };
        let teams = || 0..tree.places();
        let wanted = |c: Priority| teams().any(|team| asks(team, c) > 0);
        let mut next = Self::default();
        if Priority::ALL.into_iter().any(wanted) {
            next.demand = vec![PerPriority::default(); tree.places()];
            let mut left = u64::from(budget) * BILLION;
            for c in Priority::ALL {
                let below: u64 = c.lower().filter(|&c| wanted(c)).map(|c| floors[c].of(budget)).sum();
                let of_priority: Vec<u64> = teams().map(|team| asks(team, c)).collect();
                let mut given = 0;
                divide(tree, left.saturating_sub(below), &of_priority, &mut |team, n| {
                    let expected = u32::try_from(n).unwrap_or(u32::MAX);
                    next.demand[team][c] = Demand { expected, whole: is_short(team, c), ..Demand::default() };
                    given += u64::from(expected);
                    if expected > 0 {
                        next.expecting.push((team, c));
                    }
                });
                left = left.saturating_sub(given * BILLION);
            }
        }
        if let Some(before) = won {
            next.carry(before);
        }
        next
    }

    /// What was won of this window already.
    fn carry(&mut self, before: &Self) {
        for team in 0..before.demand.len() {
            for c in Priority::ALL {
                let won = before.of(team, c).won;
                if won > 0 {
                    self.set_won(team, c, |_| won);
                }
            }
        }
    }

    /// What a priority was granted in this window, less what came back.
    pub(crate) fn won_in(&self, c: Priority) -> u64 {
        self.demand.iter().map(|demand| u64::from(demand[c].won)).sum()
    }
}

/// Floors of the priorities of a workspace.
pub(crate) type Floors = PerPriority<Floor>;
