//! Output: an aligned table by default, JSON for programs. Both name fields by their paths in the contract.

use crate::terminal;
use apportion_proto::v1;
use apportion_server::resource::{Fields, fields_of, token_fields};
use serde_json::{Map, Value, json};

/// A resource with its fields by path, values in JSON.
pub(super) struct Row {
    name: String,
    fields: Fields,
}

/// A workspace as a row.
pub(super) fn workspace(workspace: &v1::Workspace) -> Row {
    row(&workspace.name, &workspace.etag, fields_of(workspace))
}

/// A team as a row.
pub(super) fn team(team: &v1::Team) -> Row {
    row(&team.name, &team.etag, fields_of(team))
}

/// A domain as a row.
pub(super) fn domain(domain: &v1::Domain) -> Row {
    row(&domain.name, &domain.etag, fields_of(domain))
}

/// A token as a row.
pub(super) fn token(token: &v1::Token) -> Row {
    row(&token.name, "", token_fields(token))
}

fn row(name: &str, etag: &str, mut fields: Fields) -> Row {
    if !etag.is_empty() {
        fields.insert("etag".into(), json!(etag).to_string());
    }
    Row { name: name.into(), fields }
}

/// Prints one resource, one field per line.
pub(super) fn one(row: &Row, json: bool) {
    if json {
        return terminal::json(&object(row));
    }
    terminal::line(&row.name);
    let fields: Vec<_> = row.fields.iter().map(|(path, value)| vec![path.clone(), plain(value)]).collect();
    terminal::table(&fields);
}

/// Prints resources, one per line, with the fields `columns`.
pub(super) fn many(rows: &[Row], columns: &[&str], json: bool) {
    if json {
        return terminal::json(&Value::Array(rows.iter().map(object).collect()));
    }
    let heads = std::iter::once("NAME".to_owned()).chain(columns.iter().map(|head| head.to_uppercase()));
    let mut lines = vec![heads.collect::<Vec<_>>()];
    for row in rows {
        let cell = |path: &&str| row.fields.get(*path).map_or_else(|| "-".into(), |value| plain(value));
        lines.push(std::iter::once(row.name.clone()).chain(columns.iter().map(cell)).collect());
    }
    terminal::table(&lines);
}

/// Prints the warnings of the server.
pub(super) fn warnings(warnings: &[String]) {
    warnings
        .iter()
        .for_each(|warning| terminal::error(&format!("warning: {}", terminal::printable(warning))));
}

fn object(row: &Row) -> Value {
    let value = |value: &String| serde_json::from_str(value).unwrap_or(Value::Null);
    let mut object: Map<String, Value> =
        row.fields.iter().map(|(path, held)| (path.clone(), value(held))).collect();
    object.insert("name".into(), json!(row.name));
    Value::Object(object)
}

/// A human-readable value: text without quotes.
fn plain(value: &str) -> String {
    match serde_json::from_str(value) {
        Ok(Value::String(text)) => text,
        _ => value.into(),
    }
}
