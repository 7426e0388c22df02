//! Random small scenarios: a seed always gives the same one.

use crate::random::Random;
use apportion_core::ids::{CallerId, LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::scenario::{Arrivals as When, Change, Demand, Event, Scenario};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The length of every window.
pub const WINDOW: Span = Span::from_secs(10);
/// No permit is granted in the last part of a window.
pub const GUARD: Span = Span::from_ms(500);
/// Window 0 starts here: a multiple of every window, with room for what comes before it.
pub const ORIGIN: Timestamp = Timestamp::from_ns(86_400_000_000_000);

/// What a random scenario may have. Everything is an upper bound or a permission.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals {
    /// Teams, at least 1.
    pub teams: u32,
    /// How deep they are nested, from 1 to 4.
    pub depth: u32,
    /// The heaviest weight.
    pub weight: u32,
    /// The budget of a window, from 5.
    pub budget: u32,
    /// Windows, from 2 unless it is fewer.
    pub windows: u32,
    /// The largest request; it is also kept to an eighth of the budget where `small` says so.
    pub lease: u32,
    /// Keeps every request to an eighth of the budget.
    pub small: bool,
    /// Priorities below CRITICAL, holdback and floors.
    pub priorities: bool,
    /// Reservations, protected or not.
    pub reservations: bool,
    /// Caps.
    pub caps: bool,
    /// Bursts, requests per window and workers; else every leaf has an endless backlog from the start.
    pub mixed: bool,
    /// Requests that wait only so long.
    pub deadlines: bool,
    /// Edge permits for some priorities or for all, start margins, and starts that are known to a second.
    pub edges: bool,
    /// Returns, withdrawals, answers of the provider, changes of teams and of the budget.
    pub events: bool,
}

impl Arrivals {
    /// Everything there is.
    pub const ALL: Self = Self {
        teams: 6,
        depth: 4,
        weight: 9,
        budget: 200,
        windows: 6,
        lease: 20,
        small: false,
        priorities: true,
        reservations: true,
        caps: true,
        mixed: true,
        deadlines: true,
        edges: true,
        events: true,
    };

    /// Endless backlogs of single permits in one priority: what water-filling divides.
    pub const BACKLOGS: Self = Self {
        lease: 1,
        priorities: false,
        reservations: false,
        caps: false,
        mixed: false,
        deadlines: false,
        edges: false,
        events: false,
        ..Self::ALL
    };
}

/// The name of the only limit.
pub fn limit() -> LimitId {
    LimitId::new("limit").expect("a valid name")
}

/// The scenario of a seed.
pub fn scenario(seed: u64, shape: Arrivals) -> Scenario {
    Maker { random: Random::new(seed), shape, budget: 0, lease: 1, edges: false }.scenario()
}

struct Maker {
    random: Random,
    shape: Arrivals,
    budget: u32,
    lease: u32,
    edges: bool,
}

impl Maker {
    fn scenario(mut self) -> Scenario {
        let most = if self.random.chance(80) { self.shape.budget.min(60) } else { self.shape.budget };
        self.budget = self.random.from_to(5, most);
        let most = if self.shape.small { self.budget / 8 } else { self.budget };
        self.lease = self.random.from_to(1, self.shape.lease.min(most).max(1));
        let windows = self.random.from_to(self.shape.windows.min(2), self.shape.windows);
        let mut policy = self.policy();
        self.edges = self.shape.edges && self.random.chance(60);
        let start_within = if self.edges { self.edges(&mut policy) } else { BTreeMap::new() };
        policy.check().expect("a random policy is a valid one");
        let demand = self.all_demand(&policy, windows);
        let events = if self.shape.events { self.events(&policy, windows) } else { Vec::new() };
        Scenario { policy, origin: ORIGIN, start_within, windows, demand, events }
    }

    /// Edge permits, mostly for everybody; returns how far the starts of windows are known.
    fn edges(&mut self, policy: &mut Policy) -> BTreeMap<LimitId, Span> {
        policy.spare_edge = self.random.chance(80);
        for c in Priority::ALL {
            policy.edge[c] = self.random.chance(15);
        }
        let margins = &mut policy.limits[0].margins;
        margins.start = Span::from_ms(self.random.one_of(&[0, 0, 100, 500]));
        margins.life = margins.guard.less(margins.start);
        let within = self.random.one_of(&[None, None, Some(300), Some(1_000)]);
        within.map(|ms| (limit(), Span::from_ms(ms))).into_iter().collect()
    }

    fn policy(&mut self) -> Policy {
        let margins = Margins { start: Span::ZERO, guard: GUARD, life: GUARD };
        let permits = number(self.budget);
        let limit = LimitPolicy { id: limit(), permits, window: WINDOW, phase: Span::ZERO, margins };
        let mut policy = Policy::plain(limit, self.teams());
        policy.largest_lease = Some(number(self.lease));
        if self.shape.priorities {
            let most = self.random.one_of(&[0, 30]);
            policy.holdback = self.shares(most);
            policy.floors = self.shares(25);
        }
        policy
    }

    fn shares(&mut self, most: u32) -> PerPriority<Share> {
        PerPriority([(); 3].map(|()| {
            let percent = self.random.from_to(0, most);
            if self.random.chance(50) { Share::from_percent(percent) } else { Share::ZERO }
        }))
    }

    fn teams(&mut self) -> Vec<TeamPolicy> {
        let (count, depth) =
            (self.random.from_to(1, self.shape.teams), self.random.from_to(1, self.shape.depth));
        let mut teams: Vec<TeamPolicy> = Vec::new();
        let mut depths = Vec::new();
        for k in 0..count {
            let mut team = self.team(k);
            let mut own = 1;
            if k > 0 && self.random.chance(60) {
                let parent = self.random.from_to(0, k - 1) as usize;
                if depths[parent] < depth {
                    team.parent = Some(teams[parent].id.clone());
                    own = depths[parent] + 1;
                }
            }
            teams.push(team);
            depths.push(own);
        }
        teams
    }

    fn team(&mut self, k: u32) -> TeamPolicy {
        let mut team = TeamPolicy::new(TeamId::new(&format!("t{k}")).expect("a valid name"));
        team.highest_priority = Priority::Critical;
        if self.shape.priorities && self.random.chance(30) {
            team.priority = self.random.one_of(&Priority::ALL);
        }
        if self.shape.events && self.shape.priorities && self.random.chance(20) {
            team.highest_priority = self.random.one_of(&Priority::ALL);
        }
        team.weight = self.random.from_to(1, self.shape.weight);
        if self.shape.reservations && self.random.chance(35) {
            team.reservation = self.part_of_the_budget();
            team.protected = self.random.chance(50);
        }
        if self.shape.caps && self.random.chance(30) {
            team.cap = Some(self.part_of_the_budget());
        }
        team
    }

    fn part_of_the_budget(&mut self) -> Permits {
        number(self.random.from_to(1, (self.budget / 2).max(1)))
    }

    fn all_demand(&mut self, policy: &Policy, windows: u32) -> Vec<Demand> {
        let mut demand = Vec::new();
        for team in leaves(policy) {
            let kinds = if self.shape.mixed { self.random.from_to(0, 3) } else { 1 };
            for _ in 0..kinds {
                let name = u32::try_from(demand.len()).expect("little demand");
                demand.push(self.demand(team, windows, name));
            }
        }
        demand
    }

    fn demand(&mut self, team: &TeamPolicy, windows: u32, name: u32) -> Demand {
        let shape = if self.shape.mixed { self.when(windows) } else { When::Backlog { from: early() } };
        let priority = match self.shape.priorities {
            // What names none follows its team, and is served at no priority of its own.
            true if self.shape.events && self.random.chance(30) => None,
            true => Some(self.random.one_of(&Priority::ALL)),
            false => Some(Priority::Default),
        };
        let permits = number(self.random.from_to(1, self.lease));
        let patient = !self.shape.deadlines || matches!(shape, When::Backlog { .. });
        let max_wait = (!patient && self.random.chance(50)).then(|| self.span(25_000));
        Demand {
            team: team.id.clone(),
            caller: CallerId::new("caller").expect("a valid name"),
            priority,
            permits,
            min_permits: permits,
            max_wait,
            tag: Some(format!("d{name}")),
            shape,
        }
    }

    fn when(&mut self, windows: u32) -> When {
        match self.random.from_to(0, 3) {
            0 => When::Backlog { from: self.instant(windows) },
            1 => When::Once { count: self.random.from_to(1, 30), at: self.instant(windows) },
            2 => {
                let all: Vec<u32> = (0..windows).filter(|_| self.random.chance(60)).collect();
                let windows = self.random.chance(50).then_some(all);
                When::PerWindow { count: self.random.from_to(1, 20), windows }
            }
            _ => When::Workers {
                count: self.random.from_to(1, 6),
                think: self.span(4_000) + Span::from_ms(50),
                from: self.instant(windows),
            },
        }
    }

    /// An instant of the scenario, often just before a window, sometimes at a start or a guard.
    fn instant(&mut self, windows: u32) -> Timestamp {
        let start = start_of(self.random.from_to(0, windows - 1));
        match self.random.from_to(0, 9) {
            0..=2 => start - Span::from_ms(1),
            3 => start,
            4 => (start + WINDOW) - GUARD,
            // At an edge: in a guard, or while a boundary is uncertain.
            5..=7 if self.edges => ((start + WINDOW) - GUARD) + self.span(2_000),
            _ => start + self.span(9_999),
        }
    }

    fn span(&mut self, most_ms: u32) -> Span {
        Span::from_ms(u64::from(self.random.from_to(0, most_ms)))
    }

    fn events(&mut self, policy: &Policy, windows: u32) -> Vec<Event> {
        let leaves: Vec<TeamId> = leaves(policy).map(|team| team.id.clone()).collect();
        (0..self.random.from_to(0, 6))
            .map(|_| Event { at: self.instant(windows), what: self.change(policy, &leaves) })
            .collect()
    }

    fn change(&mut self, policy: &Policy, leaves: &[TeamId]) -> Change {
        match self.random.from_to(0, 5) {
            0 => Change::Cancel { tag: format!("d{}", self.random.from_to(0, 5)) },
            // A response near an uncertain boundary may speak of either window.
            1 if !self.edges => Change::Upstream {
                limit: limit(),
                remaining: Some(number(self.random.from_to(0, self.budget))),
                permits: None,
                throttled: false,
            },
            2 => Change::SetBudget {
                limit: limit(),
                permits: number(self.random.from_to(5, self.shape.budget)),
            },
            3 => self.set_team(policy),
            _ => {
                let place = self.random.from_to(0, u32::try_from(leaves.len() - 1).expect("few teams"));
                let permits = number(self.random.from_to(1, 20));
                Change::Return { team: leaves[place as usize].clone(), permits }
            }
        }
    }

    fn set_team(&mut self, policy: &Policy) -> Change {
        let most = u32::try_from(policy.teams.len() - 1).expect("few teams");
        let id = policy.teams[self.random.from_to(0, most) as usize].id.clone();
        let weight = self.random.chance(60).then(|| self.random.from_to(1, self.shape.weight));
        let reservation = self.random.chance(30).then(|| self.part_of_the_budget());
        let capped = self.random.chance(70);
        let cap = self.random.chance(40).then(|| capped.then(|| self.part_of_the_budget()));
        let mut urgency = |percent| {
            let changes = self.shape.priorities && self.random.chance(percent);
            changes.then(|| self.random.one_of(&Priority::ALL))
        };
        let (priority, highest_priority) = (urgency(40), urgency(40));
        Change::SetTeam { id, weight, reservation, cap, priority, highest_priority }
    }
}

/// The teams without parts.
pub fn leaves(policy: &Policy) -> impl Iterator<Item = &TeamPolicy> {
    let teams = &policy.teams;
    teams.iter().filter(|team| !teams.iter().any(|other| other.parent.as_ref() == Some(&team.id)))
}

/// The start of a window.
pub fn start_of(window: u32) -> Timestamp {
    ORIGIN + Span::from_ns(WINDOW.as_ns() * u64::from(window))
}

/// Just before window 0.
pub fn early() -> Timestamp {
    ORIGIN - Span::from_ms(1)
}

/// `n` permits.
pub fn number(n: u32) -> Permits {
    Permits::new(n).expect("a small number")
}
