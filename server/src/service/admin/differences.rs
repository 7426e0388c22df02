//! What a change changed, field by field, as the audit tells it: paths, and values as in JSON.

use apportion_proto::v1;
use serde_json::json;
use std::collections::BTreeMap;

/// The fields of a resource that people set, by path; what is absent is not in it.
pub type Fields = BTreeMap<String, String>;

/// What differs, in order of path.
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

/// The same fields in a larger resource.
pub fn under(path: &str, fields: Fields) -> Fields {
    fields.into_iter().map(|(field, value)| (format!("{path}.{field}"), value)).collect()
}

/// The fields of a workspace.
pub fn workspace_fields(workspace: &v1::Workspace) -> Fields {
    let mut fields = Fields::new();
    let mut set = |path: &str, value: serde_json::Value| {
        if !value.is_null() {
            fields.insert(path.into(), value.to_string());
        }
    };
    let text = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
    set("preset", text(&workspace.preset));
    set("largest_lease_permits", json!(workspace.largest_lease_permits));
    set("others_memory_windows", json!(workspace.others_memory_windows));
    set("spare_edge", json!(workspace.spare_edge));
    for (path, shares) in [("holdback", &workspace.holdback), ("floors", &workspace.floors)] {
        let Some(shares) = shares else { continue };
        set(&format!("{path}.critical_billionths"), json!(shares.critical_billionths));
        set(&format!("{path}.default_billionths"), json!(shares.default_billionths));
        set(&format!("{path}.sheddable_billionths"), json!(shares.sheddable_billionths));
    }
    if let Some(edge) = &workspace.edge {
        let names: Vec<_> = edge.priorities().map(|priority| priority.as_str_name()).collect();
        set("edge.priorities", json!(names));
    }
    let order: Vec<_> = workspace.limits.iter().map(|limit| &*limit.limit_id).collect();
    set("limits", json!(order));
    for limit in &workspace.limits {
        let mut of_limit = |field: &str, value| set(&format!("limits.{}.{field}", limit.limit_id), value);
        of_limit("permits", json!(limit.permits));
        let spans = [
            ("window", &limit.window),
            ("phase", &limit.phase),
            ("start_margin", &limit.start_margin),
            ("guard", &limit.guard),
            ("lease_life", &limit.lease_life),
        ];
        for (field, span) in spans {
            of_limit(field, json!(span.as_ref().map(ToString::to_string)));
        }
    }
    fields
}

/// The fields of a team.
pub fn team_fields(team: &v1::Team) -> Fields {
    let text = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
    [
        ("parent_team", text(&team.parent_team)),
        ("weight", json!(team.weight)),
        ("reservation_permits", json!(team.reservation_permits)),
        ("cap_permits", json!(team.cap_permits)),
        ("reservation_protected", json!(team.reservation_protected)),
        ("priority", json!(team.priority().as_str_name())),
        ("highest_priority", json!(team.highest_priority().as_str_name())),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_null())
    .map(|(path, value)| (path.into(), value.to_string()))
    .collect()
}

/// The fields of a token; its secret is not among them.
pub fn token_fields(token: &v1::Token) -> Fields {
    let scopes: Vec<_> = token
        .scopes
        .iter()
        .map(|scope| match &*scope.team {
            "" => json!({ "workspace": scope.workspace }),
            team => json!({ "workspace": scope.workspace, "team": team }),
        })
        .collect();
    [
        ("role", json!(token.role().as_str_name())),
        ("scopes", if scopes.is_empty() { json!(null) } else { json!(scopes) }),
        ("note", if token.note.is_empty() { json!(null) } else { json!(token.note) }),
        ("expire_time", json!(token.expire_time.as_ref().map(ToString::to_string))),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_null())
    .map(|(path, value)| (path.into(), value.to_string()))
    .collect()
}
