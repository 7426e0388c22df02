//! A scenario as typed values: a policy, timed demand and events.

use super::demand::{BACKLOG, Demand};
use super::event::{Change, Event};
use crate::ids::LimitId;
use crate::policy::Policy;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// One workspace, its policy, and what happens to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// The policy at the start.
    pub policy: Policy,
    /// The start of window 0: time 0 of the scenario. A multiple of every window, plus the phase of the primary limit.
    pub origin: Timestamp,
    /// How much later than that, and than every multiple of its window, windows of a limit may start as far as is known: a window
    /// opens after its latest start and closes before its earliest end. Absent: not at all.
    pub start_within: BTreeMap<LimitId, Span>,
    /// How many windows are played.
    pub windows: u32,
    /// Who asks for what.
    pub demand: Vec<Demand>,
    /// What else happens, in file order.
    pub events: Vec<Event>,
}

impl Scenario {
    /// How many requests always wait behind a backlog: so many that one round of decisions does not empty it.
    pub fn backlog(&self) -> u32 {
        let changed = self.events.iter().filter_map(|event| match event.what {
            Change::SetBudget { permits, .. } => Some(permits),
            _ => None,
        });
        let budgets = self.policy.limits.iter().map(|limit| limit.permits).chain(changed);
        BACKLOG + budgets.max().unwrap_or_default().get()
    }
}
