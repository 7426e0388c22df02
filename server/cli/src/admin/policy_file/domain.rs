//! A domain of a policy file, under its workspace.

use super::table::{Key, Keys, add};
use crate::admin::assignments::Assignments;
use apportion_proto::v1;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// The keys of a domain beside its fields.
const KEYS: Keys = Keys { others: &["id", "max_wait"], former: &[] };

/// A domain as it stands in the file.
pub(super) struct DomainTable {
    pub(super) id: String,
    max_wait: Option<prost_types::Duration>,
    assignments: Assignments<v1::Domain>,
}

impl DomainTable {
    /// The domain as it goes over the wire, without its defaults.
    pub(super) fn wire(&self, workspace: &str) -> v1::Domain {
        let workspace_name = format!("workspaces/{workspace}");
        let mut domain =
            v1::Domain { workspace: workspace_name, max_wait: self.max_wait, ..v1::Domain::default() };
        self.assignments.apply(workspace, &mut domain);
        domain
    }
}

impl<'de> Deserialize<'de> for DomainTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(DomainVisitor)
    }
}

struct DomainVisitor;

impl<'de> Visitor<'de> for DomainVisitor {
    type Value = DomainTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a domain")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DomainTable, A::Error> {
        let (mut id, mut max_wait, mut assignments) = (None, None, Assignments::default());
        while let Some(key) = KEYS.next(&mut map)? {
            match key {
                Key::Other("id") => id = Some(map.next_value()?),
                Key::Other(_) => {
                    let text: String = map.next_value()?;
                    let refused = |_| {
                        A::Error::custom(format!("max_wait: {text:?} is not a duration, such as \"0.2s\""))
                    };
                    max_wait = Some(text.parse().map_err(refused)?);
                }
                Key::Field(field) => add(&mut assignments, field, &mut map)?,
            }
        }
        Ok(DomainTable { id: id.ok_or_else(|| A::Error::missing_field("id"))?, max_wait, assignments })
    }
}
