//! A team of a policy file.

use super::table::{Key, Keys, add};
use crate::admin::assignments::Assignments;
use apportion_proto::v1;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// The keys of a team: `id` and its fields. Older files call the parent `parent`.
const KEYS: Keys = Keys { others: &["id"], former: &[("parent", "parent_team")] };

/// A team as it stands in the file.
pub(super) struct TeamTable {
    pub(super) id: String,
    assignments: Assignments<v1::Team>,
}

impl TeamTable {
    /// The team as it goes over the wire, without its defaults.
    pub(super) fn wire(&self, workspace: &str) -> v1::Team {
        let mut team = v1::Team::default();
        self.assignments.apply(workspace, &mut team);
        team
    }
}

impl<'de> Deserialize<'de> for TeamTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(TeamVisitor)
    }
}

struct TeamVisitor;

impl<'de> Visitor<'de> for TeamVisitor {
    type Value = TeamTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a team")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TeamTable, A::Error> {
        let (mut id, mut assignments) = (None, Assignments::default());
        while let Some(key) = KEYS.next(&mut map)? {
            match key {
                Key::Other(_) => id = Some(map.next_value()?),
                Key::Field(field) => add(&mut assignments, field, &mut map)?,
            }
        }
        Ok(TeamTable { id: id.ok_or_else(|| A::Error::missing_field("id"))?, assignments })
    }
}
