//! The plan of one run: how many nodes, which limits, which margins, how long. All of it follows from the seed.

use super::random::Random;
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{Horizon, MarkKey, Series};
use apportion_core::permits::Permits;
use apportion_core::policy::Margins;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::{Grid, Window};

/// A millisecond, in nanoseconds.
pub const MS: u64 = 1_000_000;
/// When every run starts.
pub const START: u64 = 1_000_000_000 * MS;

/// What the clocks do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Regime {
    /// Within ε of true time.
    Within,
    /// Minutes wrong, forwards and backwards.
    Wrong,
}

/// Who grants in a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The small model.
    FirstCome,
    /// The real allocator.
    Shared,
}

/// One limit of the world.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub limit: LimitId,
    /// Its place among the limits of its workspace.
    pub place: usize,
    /// Where its windows lie.
    pub grid: Grid,
    /// The budget at first.
    pub budget: Permits,
    /// Permits a window that the capped team never exceeds.
    pub cap: Permits,
    /// Whether the cap counts in this limit: one of the workspace, for the real allocator its scheduler's own.
    pub caps: bool,
}

impl Rule {
    /// The name of a window of this limit.
    pub fn key(&self, window: &Window) -> MarkKey {
        MarkKey {
            workspace: self.workspace.clone(),
            limit: self.limit.clone(),
            window_start: window.start.earliest,
        }
    }
}

/// The plan of one run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the clocks do.
    pub regime: Regime,
    /// Who grants.
    pub side: Side,
    /// How many nodes there are.
    pub nodes: usize,
    /// Into how many shards workspaces fall.
    pub shards: u16,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceId>,
    /// The limits of all of them.
    pub rules: Vec<Rule>,
    /// When windows open and close.
    pub margins: Margins,
    /// How far ahead is booked, and ε.
    pub horizon: Horizon,
    /// The longest time from a client's check to the provider's count.
    pub check_to_count: u64,
    /// When faults stop.
    pub heal_at: u64,
    /// How long the healed world runs on.
    pub healthy_for: u64,
    /// At the end every workspace must have been served within so long.
    pub served_within: u64,
}

impl Plan {
    /// The plan that `random` stands for.
    pub fn new(random: &mut Random, regime: Regime, side: Side) -> Self {
        let clock_error = random.between(10, 100) * MS;
        let check_to_count = random.between(20, 150) * MS;
        let life = random.between(10, 60) * MS;
        let guard = clock_error + check_to_count + life;
        let margins = Margins {
            start: Span::from_ns(clock_error),
            guard: Span::from_ns(guard),
            life: Span::from_ns(life),
        };
        let workspaces: Vec<_> = (0..random.between(1, 3)).map(|n| name(n, WorkspaceId::new)).collect();
        let shards = 1 + u16::try_from(random.place(workspaces.len())).expect("few workspaces");
        let mut rules = Vec::new();
        for workspace in &workspaces {
            let limits = if random.percent(40) { 2 } else { 1 };
            for place in 0..limits {
                rules.push(rule(random, workspace, place, guard));
            }
            if side == Side::Shared {
                cap_the_shortest(&mut rules, workspace);
            }
        }
        let longest = rules.iter().map(|rule: &Rule| rule.grid.length().as_ns()).max().unwrap_or(0);
        let faulty = random.between(7_000, 11_000) * MS + longest;
        Self {
            regime,
            side,
            nodes: 3 + random.place(3),
            shards,
            workspaces,
            rules,
            margins,
            horizon: Horizon {
                runway: Span::from_ns(guard.max(500 * MS)),
                clock_error: Span::from_ns(clock_error),
            },
            check_to_count,
            heal_at: START + faulty,
            healthy_for: 3 * longest + 2_500 * MS,
            served_within: 2 * longest + 1_000 * MS,
        }
    }

    /// The shard of a workspace.
    pub fn shard_of(&self, workspace: &WorkspaceId) -> u16 {
        let place = self.workspaces.iter().position(|known| known == workspace);
        u16::try_from(place.expect("a workspace of the plan")).expect("few workspaces") % self.shards
    }

    /// The workspaces of a shard.
    pub fn workspaces_of(&self, shard: u16) -> impl Iterator<Item = &WorkspaceId> {
        self.workspaces.iter().filter(move |workspace| self.shard_of(workspace) == shard)
    }

    /// The limit that a window belongs to.
    pub fn rule_of(&self, key: &MarkKey) -> usize {
        let same = |rule: &Rule| rule.workspace == key.workspace && rule.limit == key.limit;
        self.rules.iter().position(same).expect("a limit of the plan")
    }

    /// The series in which the small model books the windows of the limit at `place`.
    pub fn series(life: u64, place: usize) -> Series {
        Series { life, number: 1 + u32::try_from(place).expect("few limits") }
    }

    /// The name of a window that was booked in such a series.
    pub fn key_of(&self, series: Series, window_start: Timestamp) -> MarkKey {
        let place = usize::try_from(series.number).expect("few limits") - 1;
        let Rule { workspace, limit, .. } = &self.rules[place];
        MarkKey { workspace: workspace.clone(), limit: limit.clone(), window_start }
    }

    /// The limits of a workspace.
    pub fn rules_of(&self, workspace: &WorkspaceId) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| &rule.workspace == workspace)
    }
}

fn rule(random: &mut Random, workspace: &WorkspaceId, place: usize, guard: u64) -> Rule {
    let longest = if random.percent(85) { 2_500 } else { 10_000 };
    let length = (random.between(1_000, longest) * MS).max(3 * guard);
    let budget = random.between(4, 24);
    Rule {
        workspace: workspace.clone(),
        limit: name(u64::try_from(place).expect("a place"), LimitId::new),
        place,
        grid: Grid::new(Span::from_ns(length), Span::from_ns(random.between(0, length - 1))),
        budget: Permits::clamped(budget),
        cap: Permits::clamped(random.between(1, budget / 2)),
        caps: place == 0,
    }
}

/// The cap counts in the scheduler's own limit: the shortest window, the first of those.
fn cap_the_shortest(rules: &mut [Rule], workspace: &WorkspaceId) {
    let mut own: Vec<_> = rules.iter_mut().filter(|rule| rule.workspace == *workspace).collect();
    own.iter_mut().for_each(|rule| rule.caps = false);
    if let Some(shortest) = own.into_iter().min_by_key(|rule| rule.grid.length()) {
        shortest.caps = true;
    }
}

fn name<T, E: std::fmt::Debug>(n: u64, parse: impl Fn(&str) -> Result<T, E>) -> T {
    parse(&format!("n{n}")).expect("a name")
}

/// True time as the core writes it.
pub fn timestamp(ns: u64) -> Timestamp {
    Timestamp::from_ns(ns)
}
