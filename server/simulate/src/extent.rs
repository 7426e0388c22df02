//! The extent of a run: the instants, windows, teams and limits that demand, events and expectations may name.

use crate::decimal::{Decimal, Whole, seconds};
use crate::fault::{Checked, Fault};
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::policy::{LimitPolicy, Policy};
use apportion_core::scenario::{Arrivals, Demand};
use apportion_core::time::Timestamp;
use std::collections::BTreeSet;

/// Most windows of one run.
const WINDOWS_MAX: u32 = 10_000;
/// Most windows times teams of one run.
const CELLS_MAX: u64 = 2_000_000;
/// How long before window 0 something may happen: a day, in nanoseconds.
const BEFORE_NS: i128 = 86_400 * 1_000_000_000;

/// What a run consists of.
pub(crate) struct Extent {
    /// Where window 0 starts.
    pub(crate) origin: Timestamp,
    /// How many windows are played.
    pub(crate) windows: u32,
    /// The primary limit.
    pub(crate) primary: LimitPolicy,
    /// The names of all limits.
    limits: Vec<LimitId>,
    /// Every team that exists at some time.
    teams: BTreeSet<TeamId>,
    /// Those that have child teams at some time.
    parents: BTreeSet<TeamId>,
    /// Permits that can be granted at most in the whole run.
    grantable: u64,
}

impl Extent {
    /// The extent of `windows` windows under a policy.
    pub(crate) fn new(policy: &Policy, origin: Timestamp, windows: Whole) -> Checked<Self> {
        if !(1..=WINDOWS_MAX).contains(&windows.0) {
            return Err(Fault::new("windows", format!("must be from 1 to {WINDOWS_MAX}")));
        }
        let primary = policy.limits[policy.primary_limit()].clone();
        let length = u128::from(primary.window.as_ns()) * u128::from(windows.0);
        if length + u128::from(origin.as_ns()) > u128::from(u64::MAX) / 2 {
            return Err(Fault::new("windows", "the run is too long: it must end within 292 years"));
        }
        let grantable = u64::from(primary.permits.get()) * u64::from(windows.0);
        let limits = policy.limits.iter().map(|limit| limit.id.clone()).collect();
        let mut extent = Self {
            origin,
            windows: windows.0,
            primary,
            limits,
            teams: BTreeSet::new(),
            parents: BTreeSet::new(),
            grantable,
        };
        for team in &policy.teams {
            extent.add_team(&team.id, team.parent.as_ref())?;
        }
        Ok(extent)
    }

    /// Adds a team that exists at some time.
    pub(crate) fn add_team(&mut self, id: &TeamId, parent: Option<&TeamId>) -> Checked<()> {
        self.teams.insert(id.clone());
        self.parents.extend(parent.cloned());
        let cells = u64::try_from(self.teams.len()).unwrap_or(u64::MAX).saturating_mul(self.windows.into());
        if cells > CELLS_MAX {
            let rule = format!("the run is too large: at most {CELLS_MAX} windows times teams");
            return Err(Fault::new("windows", rule));
        }
        Ok(())
    }

    /// Adds permits that can be granted in the run.
    pub(crate) fn add_grantable(&mut self, permits: u64) {
        self.grantable = self.grantable.saturating_add(permits);
    }

    /// An instant of the run.
    pub(crate) fn instant(&self, field: &str, at: Decimal) -> Checked<Timestamp> {
        let end = i128::from(self.primary.window.as_ns()) * i128::from(self.windows);
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

    /// Checks that there is such a team at some time.
    pub(crate) fn check_team(&self, field: &str, id: &TeamId) -> Checked<()> {
        if self.teams.contains(id) {
            Ok(())
        } else {
            Err(Fault::new(field, format!("there is no team {id:?}")))
        }
    }

    /// Checks that there is such a team, and that it never has child teams.
    pub(crate) fn check_leaf(&self, field: &str, id: &TeamId) -> Checked<()> {
        self.check_team(field, id)?;
        if self.parents.contains(id) {
            return Err(Fault::new(
                field,
                format!("the team {id:?} has child teams: only those have demand"),
            ));
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

    /// Checks that requests that follow grants, at most one per permit, do not make the run too large.
    pub(crate) fn check_grants(&self, demands: &[Demand], asked: u64, most: u64) -> Checked<()> {
        let renewed =
            |demand: &&Demand| matches!(demand.shape, Arrivals::Backlog { .. } | Arrivals::Workers { .. });
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
