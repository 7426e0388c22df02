//! Fields of a resource with the values that flags or a policy file give them.

use apportion_server::resource::{Field, FieldKind, FieldValue, Resource};

/// Fields with their new values, in the order in which they were given.
pub(super) struct Assignments<M: Resource>(Vec<(&'static Field<M>, FieldValue)>);

impl<M: Resource> Default for Assignments<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: Resource> Assignments<M> {
    /// Adds a field. Returns false where it is set already.
    pub(super) fn add(&mut self, field: &'static Field<M>, value: FieldValue) -> bool {
        let is_new = self.0.iter().all(|(known, _)| known.path != field.path);
        self.0.push((field, value));
        is_new
    }

    /// Sets the fields in a message. A team is named by its id, and is looked for in `workspace`.
    pub(super) fn apply(&self, workspace: &str, message: &mut M) {
        for (field, value) in &self.0 {
            let is_assigned = match value {
                FieldValue::Text(id) if field.kind == FieldKind::Team => {
                    field.assign(message, &FieldValue::Text(format!("workspaces/{workspace}/teams/{id}")))
                }
                value => field.assign(message, value),
            };
            assert!(is_assigned, "{} holds another kind than its table says", field.path);
        }
    }

    /// The paths of an update mask that changes these fields.
    pub(super) fn paths(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|(field, _)| !field.is_fixed()).map(|(field, _)| field.path.into())
    }
}
