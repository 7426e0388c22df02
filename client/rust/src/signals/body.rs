//! Conditions on strings in a JSON body.

use apportion_proto::v1::BodyMatch;
use apportion_proto::v1::body_match::Text;
use serde_json::Value;

/// The longest body that is looked at, in bytes.
pub(crate) const BODY_MAX: usize = 4_096;
/// How deep a body may be nested. The parser itself stops at a depth of 128.
const DEPTH_MAX: usize = 32;

/// Whether all conditions hold. Without conditions the body is not looked at.
pub(super) fn all_hold(conditions: &[BodyMatch], body: Option<&[u8]>) -> bool {
    if conditions.is_empty() {
        return true;
    }
    let document =
        body.filter(|body| body.len() <= BODY_MAX).and_then(|body| serde_json::from_slice(body).ok());
    let document = document.filter(|document| depth(document) <= DEPTH_MAX);
    document.is_some_and(|document| conditions.iter().all(|condition| holds(condition, &document)))
}

fn holds(condition: &BodyMatch, document: &Value) -> bool {
    let Some(text) = at(document, &condition.path).and_then(Value::as_str) else { return false };
    match &condition.text {
        Some(Text::Equals(whole)) => text == whole,
        Some(Text::Contains(part)) => text.contains(part),
        None => false,
    }
}

/// What a path such as `errors[0].code` leads to.
fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    // Before each opening bracket a step ends, after each closing one at the latest the next begins.
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.into_iter().try_fold(document, |value, step| match step.strip_suffix(']') {
        Some(index) => value.as_array()?.get(index.parse::<usize>().ok()?),
        None => value.as_object()?.get(step),
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
