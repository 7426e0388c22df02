//! The fields of a token. A token is created and deleted, never changed, so it needs no table.

use super::fields::{Fields, insert};
use apportion_proto::v1;
use serde_json::json;

/// The fields of a token, without its secret.
pub fn token_fields(token: &v1::Token) -> Fields {
    let scope = |scope: &v1::Scope| match &*scope.team {
        "" => json!({ "workspace": scope.workspace }),
        team => json!({ "workspace": scope.workspace, "team": team }),
    };
    let scopes: Vec<_> = token.scopes.iter().map(scope).collect();
    let mut fields = Fields::new();
    insert(&mut fields, "role", &json!(token.role().as_str_name()));
    if !scopes.is_empty() {
        insert(&mut fields, "scopes", &json!(scopes));
    }
    if !token.note.is_empty() {
        insert(&mut fields, "note", &json!(token.note));
    }
    insert(&mut fields, "expire_time", &json!(token.expire_time.as_ref().map(ToString::to_string)));
    fields
}
