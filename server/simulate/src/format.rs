//! The keys of a scenario file, as they stand in it. Their combinations are checked where they are read.

use crate::decimal::{Decimal, Whole};
use apportion_core::priority::Priority;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct ScenarioFile {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) about: String,
    #[serde(default, rename = "source")]
    _source: String,
    #[serde(default, rename = "strength")]
    _strength: String,
    #[serde(default, rename = "group")]
    _group: String,
    pub(crate) workspace: WorkspaceEntry,
    pub(crate) windows: Whole,
    #[serde(default)]
    pub(crate) demand: Vec<DemandEntry>,
    #[serde(default)]
    pub(crate) events: Vec<EventEntry>,
    #[serde(default)]
    pub(crate) expect: Vec<Value>,
}

/// The policy: one limit in `window_s`, `budget` and `guard_s`, or several in `limits`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct WorkspaceEntry {
    pub(crate) window_s: Option<Decimal>,
    pub(crate) budget: Option<Whole>,
    pub(crate) guard_s: Option<Decimal>,
    pub(crate) start_margin_s: Option<Decimal>,
    pub(crate) start_within_s: Option<Decimal>,
    pub(crate) limits: Option<Vec<LimitEntry>>,
    pub(crate) lease_max: Option<Whole>,
    #[serde(default)]
    pub(crate) holdback: BTreeMap<Urgency, Decimal>,
    #[serde(default)]
    pub(crate) floors: BTreeMap<Urgency, Decimal>,
    #[serde(default)]
    pub(crate) edge: Vec<Urgency>,
    #[serde(default)]
    pub(crate) spare_edge: bool,
    pub(crate) teams: Vec<TeamEntry>,
}

/// One limit of several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct LimitEntry {
    pub(crate) id: String,
    pub(crate) window_s: Decimal,
    pub(crate) budget: Whole,
    pub(crate) phase_s: Option<Decimal>,
    pub(crate) guard_s: Decimal,
    pub(crate) start_margin_s: Option<Decimal>,
    pub(crate) start_within_s: Option<Decimal>,
}

/// One team.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct TeamEntry {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) weight: Option<Whole>,
    pub(crate) reservation: Option<Whole>,
    pub(crate) cap: Option<Whole>,
    #[serde(default)]
    pub(crate) protected: bool,
    pub(crate) priority: Option<Urgency>,
    pub(crate) highest_priority: Option<Urgency>,
}

/// Requests of one kind, in exactly one of four shapes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct DemandEntry {
    pub(crate) team: String,
    pub(crate) caller: Option<String>,
    pub(crate) callers: Option<Whole>,
    pub(crate) priority: Option<Urgency>,
    pub(crate) permits: Whole,
    pub(crate) min_permits: Option<Whole>,
    pub(crate) max_wait_s: Option<Decimal>,
    pub(crate) tag: Option<String>,
    pub(crate) backlog_from_s: Option<Decimal>,
    pub(crate) count: Option<Whole>,
    pub(crate) at_s: Option<Decimal>,
    pub(crate) per_window: Option<Whole>,
    pub(crate) windows: Option<Vec<Whole>>,
    pub(crate) workers: Option<Whole>,
    pub(crate) think_s: Option<Decimal>,
    pub(crate) from_s: Option<Decimal>,
}

/// An event: exactly one key besides `at_s`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct EventEntry {
    pub(crate) at_s: Decimal,
    pub(crate) set_team: Option<SetTeam>,
    pub(crate) add_team: Option<TeamEntry>,
    pub(crate) remove_team: Option<String>,
    pub(crate) set_budget: Option<SetBudget>,
    #[serde(rename = "return")]
    pub(crate) give_back: Option<GiveBack>,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) cancel: Option<String>,
}

/// New settings of a team.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetTeam {
    pub(crate) id: String,
    pub(crate) weight: Option<Whole>,
    pub(crate) reservation: Option<Whole>,
    /// Absent: as it is. `null`: none.
    #[serde(default, deserialize_with = "present")]
    pub(crate) cap: Option<Option<Whole>>,
    pub(crate) priority: Option<Urgency>,
    pub(crate) highest_priority: Option<Urgency>,
}

/// A new budget: of the only limit, or of the named one.
pub(crate) struct SetBudget {
    pub(crate) limit: Option<String>,
    pub(crate) permits: Whole,
}

/// Unused permits that are returned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveBack {
    pub(crate) team: String,
    pub(crate) permits: Whole,
}

/// A response of the provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    pub(crate) limit: Option<String>,
    pub(crate) remaining: Option<Whole>,
    pub(crate) permits: Option<Whole>,
    #[serde(default)]
    pub(crate) throttled: bool,
}

/// A priority by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Urgency {
    Critical,
    Default,
    Sheddable,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Critical => Self::Critical,
            Urgency::Default => Self::Default,
            Urgency::Sheddable => Self::Sheddable,
        }
    }
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Whole>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl<'de> Deserialize<'de> for SetBudget {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            limit: Option<String>,
            permits: Whole,
        }
        let value = Value::deserialize(from)?;
        if value.is_object() {
            let Named { limit, permits } = serde_json::from_value(value).map_err(D::Error::custom)?;
            return Ok(Self { limit, permits });
        }
        let permits = serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(Self { limit: None, permits })
    }
}
