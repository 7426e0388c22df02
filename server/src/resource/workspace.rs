//! The fields of a workspace.

use super::field::{Field, FieldKind, Resource, field};
use super::types::FieldType;
use apportion_proto::v1;

impl Resource for v1::Workspace {
    const FIELDS: &'static [Field<Self>] = &[
        field!(limits, Compound, "Limits of the provider"),
        field!(holdback, Compound, "Share of each window held back for late requests of a priority"),
        field!(floors, Compound, "Share of each window guaranteed to a priority while it has a backlog"),
        field!(largest_lease_permits, Number, "Most permits in one lease"),
        field!(
            edge,
            Compound,
            "Priorities that may be granted edge permits from what the next window has left"
        ),
        field!(
            others_memory_windows,
            Number,
            "Number of windows for which observed external use is reserved"
        ),
        field!(
            spare_edge,
            Boolean,
            "Allow all priorities to use permits near a window boundary when both windows can spare them"
        ),
        field!(signals, Compound, "How clients read the responses of the provider"),
        Field { is_fixed: true, ..field!(preset, Text, "Preset of the provider, such as intercom") },
    ];
}
