//! A workspace of a policy file.

use super::domain::DomainTable;
use super::limit::LimitTable;
use super::table::{Key, Keys, PriorityName, add};
use super::team::TeamTable;
use crate::admin::assignments::Assignments;
use apportion_proto::v1;
use apportion_server::signals::SignalsTable;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// The keys of a workspace beside its fields: compound fields have a syntax of their own.
const KEYS: Keys =
    Keys { others: &["id", "limit", "holdback", "floors", "edge", "signals", "domain", "team"], former: &[] };

/// A workspace as it stands in the file.
#[derive(Default)]
pub(super) struct WorkspaceTable {
    pub(super) id: String,
    pub(super) teams: Vec<TeamTable>,
    pub(super) domains: Vec<DomainTable>,
    assignments: Assignments<v1::Workspace>,
    limit: Vec<LimitTable>,
    holdback: Option<Shares>,
    floors: Option<Shares>,
    edge: Option<Vec<PriorityName>>,
    signals: Option<SignalsTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    #[serde(default)]
    critical_billionths: u32,
    #[serde(default)]
    default_billionths: u32,
    #[serde(default)]
    sheddable_billionths: u32,
}

impl WorkspaceTable {
    /// The workspace as it goes over the wire, without its defaults.
    pub(super) fn wire(&self) -> Result<v1::Workspace, String> {
        let edge = self.edge.as_ref().map(|names| v1::EdgePriorities {
            priorities: names.iter().map(|PriorityName(priority)| (*priority).into()).collect(),
        });
        let mut workspace = v1::Workspace {
            limits: self.limit.iter().map(LimitTable::wire).collect::<Result<_, _>>()?,
            holdback: self.holdback.as_ref().map(Shares::wire),
            floors: self.floors.as_ref().map(Shares::wire),
            edge,
            signals: self.signals.as_ref().map(Into::into),
            ..v1::Workspace::default()
        };
        self.assignments.apply(&self.id, &mut workspace);
        Ok(workspace)
    }
}

impl Shares {
    fn wire(&self) -> v1::PriorityShares {
        let Self { critical_billionths, default_billionths, sheddable_billionths } = *self;
        v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths }
    }
}

impl<'de> Deserialize<'de> for WorkspaceTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(WorkspaceVisitor)
    }
}

struct WorkspaceVisitor;

impl<'de> Visitor<'de> for WorkspaceVisitor {
    type Value = WorkspaceTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a workspace")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WorkspaceTable, A::Error> {
        let (mut id, mut workspace) = (None, WorkspaceTable::default());
        while let Some(key) = KEYS.next(&mut map)? {
            match key {
                Key::Other("id") => id = Some(map.next_value()?),
                Key::Other("limit") => workspace.limit = map.next_value()?,
                Key::Other("holdback") => workspace.holdback = map.next_value()?,
                Key::Other("floors") => workspace.floors = map.next_value()?,
                Key::Other("edge") => workspace.edge = map.next_value()?,
                Key::Other("signals") => workspace.signals = map.next_value()?,
                Key::Other("domain") => workspace.domains = map.next_value()?,
                Key::Other(_) => workspace.teams = map.next_value()?,
                Key::Field(field) => add(&mut workspace.assignments, field, &mut map)?,
            }
        }
        workspace.id = id.ok_or_else(|| A::Error::missing_field("id"))?;
        Ok(workspace)
    }
}
