//! The frame of one run: which instants, windows and teams there are for demand, events and expectations.

use super::decimal::{Decimal, Whole, seconds};
use super::demand;
use super::fault::{Checked, Fault};
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::policy::{LimitPolicy, Policy};
use apportion_core::scenario::{Demand, Shape};
use apportion_core::time::Timestamp;
use std::collections::BTreeSet;

/// Most windows of one run.
const WINDOWS_MAX: u32 = 10_000;
/// Most windows times teams of one run.
const CELLS_MAX: u64 = 2_000_000;
/// How long before window 0 something may happen: a day, in nanoseconds.
const BEFORE_NS: i128 = 86_400 * 1_000_000_000;

/// The frame of one run.
pub(crate) struct Run {
    /// Where window 0 starts.
    pub(crate) origin: Timestamp,
    /// How many windows are played.
    pub(crate) windows: u32,
    /// The scheduler's limit.
    pub(crate) scheduler: LimitPolicy,
    /// The names of all limits.
    limits: Vec<LimitId>,
    /// Every team that exists at some time.
    teams: BTreeSet<TeamId>,
    /// Those of them that have parts at some time.
    wholes: BTreeSet<TeamId>,
    /// Permits that can be granted at most in the whole run.
    grantable: u64,
}

impl Run {
    /// The frame of `windows` windows under a policy.
    pub(crate) fn new(policy: &Policy, origin: Timestamp, windows: Whole) -> Checked<Self> {
        if !(1..=WINDOWS_MAX).contains(&windows.0) {
            return Err(Fault::new("windows", format!("must be from 1 to {WINDOWS_MAX}")));
        }
        let scheduler = policy.limits[policy.primary_limit()].clone();
        let length = u128::from(scheduler.window.as_ns()) * u128::from(windows.0);
        if length + u128::from(origin.as_ns()) > u128::from(u64::MAX) / 2 {
            return Err(Fault::new("windows", "the run is too long: it must end within 292 years"));
        }
        let grantable = u64::from(scheduler.permits.get()) * u64::from(windows.0);
        let limits = policy.limits.iter().map(|limit| limit.id.clone()).collect();
        let mut run = Self {
            origin,
            windows: windows.0,
            scheduler,
            limits,
            teams: BTreeSet::new(),
            wholes: BTreeSet::new(),
            grantable,
        };
        for team in &policy.teams {
            run.know(&team.id, team.parent.as_ref())?;
        }
        Ok(run)
    }

    /// Takes note of a team that exists at some time.
    pub(crate) fn know(&mut self, id: &TeamId, parent: Option<&TeamId>) -> Checked<()> {
        self.teams.insert(id.clone());
        self.wholes.extend(parent.cloned());
        let cells = u64::try_from(self.teams.len()).unwrap_or(u64::MAX).saturating_mul(self.windows.into());
        if cells > CELLS_MAX {
            let rule = format!("the run is too large: at most {CELLS_MAX} windows times teams");
            return Err(Fault::new("windows", rule));
        }
        Ok(())
    }

    /// Takes note that up to so many permits more can be granted.
    pub(crate) fn may_grant(&mut self, permits: u64) {
        self.grantable = self.grantable.saturating_add(permits);
    }

    /// An instant of the run.
    pub(crate) fn instant(&self, field: &str, at: Decimal) -> Checked<Timestamp> {
        let end = i128::from(self.scheduler.window.as_ns()) * i128::from(self.windows);
        if at.0 < -BEFORE_NS || at.0 >= end {
            let (from, end) = (seconds(-BEFORE_NS), seconds(end));
            return Err(Fault::new(field, format!("is outside the run: from {from} to before {end} s")));
        }
        u64::try_from(i128::from(self.origin.as_ns()) + at.0)
            .map(Timestamp::from_ns)
            .map_err(|_| Fault::new(field, "is outside the run"))
    }

    /// A window of the run.
    pub(crate) fn window(&self, field: &str, window: Whole) -> Checked<u32> {
        if window.0 < self.windows {
            return Ok(window.0);
        }
        let last = self.windows - 1;
        Err(Fault::new(field, format!("there is no window {}, the last one is {last}", window.0)))
    }

    /// Holds that there is such a team at some time.
    pub(crate) fn check_team(&self, field: &str, id: &TeamId) -> Checked<()> {
        if self.teams.contains(id) {
            Ok(())
        } else {
            Err(Fault::new(field, format!("there is no team {id:?}")))
        }
    }

    /// Holds that there is such a team, and that it never has parts.
    pub(crate) fn check_leaf(&self, field: &str, id: &TeamId) -> Checked<()> {
        self.check_team(field, id)?;
        if self.wholes.contains(id) {
            return Err(Fault::new(field, format!("the team {id:?} has parts: only they have demand")));
        }
        Ok(())
    }

    /// The named limit; without a name the only one.
    pub(crate) fn limit(&self, field: &str, name: Option<&str>) -> Checked<LimitId> {
        let Some(name) = name else {
            return match &self.limits[..] {
                [only] => Ok(only.clone()),
                _ => Err(Fault::new(field, "there are several limits: name one")),
            };
        };
        let known = self.limits.iter().find(|limit| limit.as_str() == name);
        known.cloned().ok_or_else(|| Fault::new(field, format!("there is no limit {name:?}")))
    }

    /// How many requests a demand makes by itself.
    pub(crate) fn requests(&self, demand: &Demand) -> u64 {
        demand::requests(demand, self.windows)
    }

    /// Holds that the requests which follow grants do not make the run too large: as many as there are permits.
    pub(crate) fn check_grants(&self, demands: &[Demand], asked: u64, most: u64) -> Checked<()> {
        let renewed =
            |demand: &&Demand| matches!(demand.shape, Shape::Backlog { .. } | Shape::Workers { .. });
        let Some(least) = demands.iter().filter(renewed).map(|demand| demand.min_permits.get()).min() else {
            return Ok(());
        };
        if asked.saturating_add(self.grantable / u64::from(least.max(1))) > most {
            let rule = format!("the run is too large: its budgets allow more than {most} requests");
            return Err(Fault::new("windows", rule));
        }
        Ok(())
    }
}
