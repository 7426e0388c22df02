//! The fields of a domain.

use super::field::{Field, FieldKind, Resource, field};
use super::types::FieldType;
use apportion_proto::v1;

impl Resource for v1::Domain {
    const FIELDS: &'static [Field<Self>] = &[
        field!(workspace, Compound, "Workspace whose budget its requests draw on"),
        field!(team_key, Text, "Key whose value names the team"),
        field!(priority_key, Text, "Key whose value names the priority"),
        field!(caller_key, Text, "Key whose value names the caller"),
        field!(default_team, Text, "Id of the team of requests that name no known team"),
        field!(refuse_unknown, Boolean, "Treat requests that name no known team as over the limit"),
        field!(max_wait, Compound, "How long a request of RLS may wait for a permit"),
    ];
}
