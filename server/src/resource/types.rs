//! What the types of the contract's fields have in common: whether one is set, how it is shown, and how it is changed.

use super::field::FieldValue;
use super::fields::{Fields, insert};
use crate::signals::SignalsTable;
use apportion_proto::v1;
use serde_json::json;

/// The type of a field.
pub(super) trait FieldType: Sized {
    /// Whether it is set. A field without presence is set where it is not zero.
    fn is_set(&self) -> bool;

    /// Adds what it holds to `fields`.
    fn show(&self, path: &str, fields: &mut Fields);

    /// Sets it. Returns false where the value is of another kind.
    fn assign(&mut self, _setting: &FieldValue) -> bool {
        false
    }

    /// Copies one part of it. Returns false where there is no such part.
    fn copy_part(&mut self, _from: &Self, _part: &str) -> bool {
        false
    }
}

impl FieldType for u32 {
    fn is_set(&self) -> bool {
        *self != 0
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        insert(fields, path, &json!(self));
    }

    fn assign(&mut self, value: &FieldValue) -> bool {
        let FieldValue::Number(number) = value else { return false };
        *self = *number;
        true
    }
}

impl FieldType for bool {
    fn is_set(&self) -> bool {
        *self
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        insert(fields, path, &json!(self));
    }

    fn assign(&mut self, value: &FieldValue) -> bool {
        let FieldValue::Boolean(is_true) = value else { return false };
        *self = *is_true;
        true
    }
}

impl FieldType for String {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        if !self.is_empty() {
            insert(fields, path, &json!(self));
        }
    }

    fn assign(&mut self, value: &FieldValue) -> bool {
        let FieldValue::Text(text) = value else { return false };
        self.clone_from(text);
        true
    }
}

/// A priority: the only enumeration among these fields.
impl FieldType for i32 {
    fn is_set(&self) -> bool {
        *self != 0
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        insert(fields, path, &json!(v1::Priority::try_from(*self).unwrap_or_default().as_str_name()));
    }

    fn assign(&mut self, value: &FieldValue) -> bool {
        let FieldValue::Priority(priority) = value else { return false };
        *self = (*priority).into();
        true
    }
}

/// A field with presence: what it holds is shown even where it is zero.
impl<V: FieldType + Default> FieldType for Option<V> {
    fn is_set(&self) -> bool {
        self.is_some()
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        if let Some(value) = self {
            value.show(path, fields);
        }
    }

    fn assign(&mut self, value: &FieldValue) -> bool {
        let mut assigned = V::default();
        let is_of_this_kind = assigned.assign(value);
        if is_of_this_kind {
            *self = Some(assigned);
        }
        is_of_this_kind
    }

    fn copy_part(&mut self, from: &Self, part: &str) -> bool {
        let mut value = self.take().unwrap_or_default();
        let is_part = match from {
            Some(from) => value.copy_part(from, part),
            None => value.copy_part(&V::default(), part),
        };
        *self = Some(value);
        is_part
    }
}

impl FieldType for v1::PriorityShares {
    fn is_set(&self) -> bool {
        true
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        insert(fields, &format!("{path}.critical_billionths"), &json!(self.critical_billionths));
        insert(fields, &format!("{path}.default_billionths"), &json!(self.default_billionths));
        insert(fields, &format!("{path}.sheddable_billionths"), &json!(self.sheddable_billionths));
    }

    fn copy_part(&mut self, from: &Self, part: &str) -> bool {
        match part {
            "critical_billionths" => self.critical_billionths = from.critical_billionths,
            "default_billionths" => self.default_billionths = from.default_billionths,
            "sheddable_billionths" => self.sheddable_billionths = from.sheddable_billionths,
            _ => return false,
        }
        true
    }
}

impl FieldType for prost_types::Duration {
    fn is_set(&self) -> bool {
        true
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        insert(fields, path, &json!(self.to_string()));
    }
}

impl FieldType for v1::EdgePriorities {
    fn is_set(&self) -> bool {
        true
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        let names: Vec<_> = self.priorities().map(|priority| priority.as_str_name()).collect();
        insert(fields, &format!("{path}.priorities"), &json!(names));
    }
}

/// Signals: each list as a whole.
impl FieldType for v1::Signals {
    fn is_set(&self) -> bool {
        true
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        let shown = serde_json::to_value(SignalsTable::from(self)).unwrap_or_default();
        let lists: Vec<_> = shown.as_object().into_iter().flatten().collect();
        if lists.is_empty() {
            insert(fields, path, &json!({}));
        }
        for (list, value) in lists {
            insert(fields, &format!("{path}.{list}"), value);
        }
    }
}

/// Limits: their order, and the fields of each under its id.
impl FieldType for Vec<v1::Limit> {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }

    fn show(&self, path: &str, fields: &mut Fields) {
        let order: Vec<_> = self.iter().map(|limit| &*limit.limit_id).collect();
        insert(fields, path, &json!(order));
        for limit in self {
            let mut show =
                |field: &str, value| insert(fields, &format!("{path}.{}.{field}", limit.limit_id), &value);
            show("permits", json!(limit.permits));
            let spans = [
                ("window", &limit.window),
                ("phase", &limit.phase),
                ("start_margin", &limit.start_margin),
                ("guard", &limit.guard),
                ("lease_life", &limit.lease_life),
            ];
            for (field, span) in spans {
                show(field, json!(span.as_ref().map(ToString::to_string)));
            }
        }
    }
}
