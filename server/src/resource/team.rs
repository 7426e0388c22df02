//! The fields of a team.

use super::field::{Field, FieldKind, Resource, field};
use super::types::FieldType;
use apportion_proto::v1;

impl Resource for v1::Team {
    const FIELDS: &'static [Field<Self>] = &[
        field!(parent_team, Team, "Team that it is part of"),
        field!(weight, Number, "Share of a contended budget, relative to its sibling teams"),
        field!(reservation_permits, Number, "Permits per window guaranteed to it while it requests them"),
        field!(
            cap_permits,
            Number,
            "Most permits per window, including those of its child teams; 0 pauses it"
        ),
        field!(
            reservation_protected,
            Boolean,
            "Keep the reservation even while the team does not request permits"
        ),
        field!(priority, Priority, "Priority of requests that name none"),
        field!(highest_priority, Priority, "Most urgent priority at which its requests are served"),
    ];
}
