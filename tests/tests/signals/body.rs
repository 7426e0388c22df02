//! Conditions on a JSON body.

use apportion_proto::v1::BodyMatch;
use apportion_proto::v1::body_match::Text;
use serde_json::Value;

/// Whether all conditions hold.
pub(crate) fn all_hold(conditions: &[BodyMatch], body: Option<&str>) -> bool {
    if conditions.is_empty() {
        return true;
    }
    let readable = body.filter(|body| body.len() <= 4096 && depth(body) <= 32);
    let Some(document) = readable.and_then(|body| serde_json::from_str::<Value>(body).ok()) else {
        return false;
    };
    conditions.iter().all(|condition| holds(condition, &document))
}

fn holds(condition: &BodyMatch, document: &Value) -> bool {
    let Some(text) = at(document, &condition.path).and_then(Value::as_str) else { return false };
    match &condition.text {
        Some(Text::Equals(whole)) => text == whole,
        Some(Text::Contains(part)) => text.contains(part),
        None => false,
    }
}

/// What a path leads to. An index is looked up in arrays only, a name in objects only.
fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.replace('[', ".[");
    steps.split('.').filter(|step| !step.is_empty()).try_fold(document, |value, step| {
        match step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
            Some(index) => value.as_array()?.get(index.parse::<usize>().ok()?),
            None => value.as_object()?.get(step),
        }
    })
}

/// How deep brackets nest outside strings.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
