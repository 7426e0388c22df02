//! What is set in a resource, by path, and how two states of it differ.

use apportion_proto::v1;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields of a resource by path, with values in JSON. An absent field is not in it.
pub type Fields = BTreeMap<String, String>;

/// Adds a field, unless it is null.
pub(super) fn insert(fields: &mut Fields, path: &str, value: &Value) {
    if !value.is_null() {
        fields.insert(path.into(), value.to_string());
    }
}

/// The same fields as parts of a larger resource.
pub(crate) fn under(path: &str, fields: Fields) -> Fields {
    fields.into_iter().map(|(field, value)| (format!("{path}.{field}"), value)).collect()
}

/// The fields that differ, in order of path.
pub fn differences(before: &Fields, after: &Fields) -> Vec<v1::FieldChange> {
    let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let change = |path: &String| {
        let (before, after) = (before.get(path).cloned(), after.get(path).cloned());
        (before != after).then(|| v1::FieldChange { path: path.clone(), before, after })
    };
    paths.into_iter().filter_map(change).collect()
}
