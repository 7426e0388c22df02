//! From the list `expect` to checked expectations.

use crate::decimal::Whole;
use crate::extent::Extent;
use crate::fault::{Checked, Fault};
use crate::workspace::team_id;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most expectations of one file.
const EXPECTED_MAX: usize = 100_000;

/// An expectation and its text in the file.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Its text in the file.
    pub(crate) text: Value,
    /// What it says.
    pub(crate) what: Expectation,
}

/// What must come out; one variant for each `kind` of the format. Numbers are compared, never added up.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Expectation {
    /// Net grants of a team, or of one caller in it, are near a value.
    Granted {
        team: String,
        caller: Option<String>,
        window: Option<u32>,
        windows: Option<(u32, u32)>,
        value: f64,
        #[serde(default)]
        abs: f64,
        #[serde(default)]
        rel: f64,
    },
    /// Net grants of a team are never above.
    GrantedMax { team: String, window: u32, max: f64 },
    /// Net grants of a team until an instant, inclusive.
    GrantedBy { team: String, at_s: f64, min: Option<f64>, max: Option<f64> },
    /// Net grants of all teams are near a value.
    WindowTotal {
        window: u32,
        value: f64,
        #[serde(default)]
        abs: f64,
    },
    /// Net grants of all teams are never above.
    WindowMax { window: u32, max: f64 },
    /// Permits of window 0 that nobody took.
    Idle { value: f64 },
    /// At least one grant, and none waited longer.
    Wait { team: String, max_s: f64 },
    /// When the first grant came.
    FirstGrant { team: String, at_s: Option<f64>, abs_s: Option<f64>, max_window: Option<u32> },
    /// The most windows from one grant to the next.
    Gap { team: String, max_windows: u32 },
    /// The answer to one request.
    Decision {
        tag: String,
        answer: ExpectedAnswer,
        at_s: Option<f64>,
        abs_s: Option<f64>,
        retry_after_s: Option<f64>,
        retry_abs_s: Option<f64>,
    },
    /// Granted in this order.
    Order { tags: Vec<String> },
}

/// What a request is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExpectedAnswer {
    /// Granted.
    Grant,
    /// Refused.
    Reject,
    /// Refused as INVALID.
    Invalid,
    /// Never refused.
    NotRejected,
}

/// Reads all expectations.
pub(crate) fn read(extent: &Extent, from: &[Value], tags: &BTreeSet<&str>) -> Checked<Vec<Expected>> {
    if from.len() > EXPECTED_MAX {
        return Err(Fault::new("expect", format!("too many expectations, at most {EXPECTED_MAX}")));
    }
    let read = |(place, text): (usize, &Value)| {
        let field = format!("expect[{place}]");
        let what = syntax(&field, text)?;
        check_names(extent, &field, &what, tags)?;
        check_windows(extent, &field, &what)?;
        check_pairs(&field, &what)?;
        Ok(Expected { text: text.clone(), what })
    };
    from.iter().enumerate().map(read).collect()
}

/// `{"kind": k, …}` is read as `{k: {…}}`, so that each kind refuses the keys that it does not know.
fn syntax(field: &str, text: &Value) -> Checked<Expectation> {
    let Value::Object(keys) = text else {
        return Err(Fault::new(field, "an expectation is an object"));
    };
    let mut keys = keys.clone();
    let Some(Value::String(kind)) = keys.remove("kind") else {
        return Err(Fault::new(format!("{field}.kind"), "is missing, or no text"));
    };
    let tagged = Value::Object([(kind.clone(), Value::Object(keys))].into_iter().collect());
    serde_path_to_error::deserialize(tagged).map_err(|error| {
        let path = error.path().to_string();
        let field = match path.strip_prefix(&kind) {
            Some(rest) => format!("{field}{rest}"),
            None => format!("{field}.kind"),
        };
        Fault::new(field, error.into_inner().to_string())
    })
}

fn check_names(extent: &Extent, field: &str, what: &Expectation, tags: &BTreeSet<&str>) -> Checked<()> {
    let known = |key: &str, tag: &str| {
        let rule = || Fault::new(format!("{field}.{key}"), format!("no demand has the tag {tag:?}"));
        if tags.contains(tag) { Ok(()) } else { Err(rule()) }
    };
    match what {
        Expectation::Granted { team, .. }
        | Expectation::GrantedMax { team, .. }
        | Expectation::GrantedBy { team, .. }
        | Expectation::Wait { team, .. }
        | Expectation::FirstGrant { team, .. }
        | Expectation::Gap { team, .. } => {
            let key = format!("{field}.team");
            extent.check_team(&key, &team_id(&key, team)?)
        }
        Expectation::Decision { tag, .. } => known("tag", tag),
        Expectation::Order { tags } => tags.iter().try_for_each(|tag| known("tags", tag)),
        Expectation::WindowTotal { .. } | Expectation::WindowMax { .. } | Expectation::Idle { .. } => Ok(()),
    }
}

fn check_windows(extent: &Extent, field: &str, what: &Expectation) -> Checked<()> {
    let played = |key: &str, window: u32| extent.window(&format!("{field}.{key}"), Whole(window)).map(drop);
    match what {
        Expectation::Granted { window: Some(window), windows: None, .. } => played("window", *window),
        Expectation::Granted { window: None, windows: Some((first, last)), .. } => {
            if first > last {
                return Err(Fault::new(format!("{field}.windows"), "the first window is after the last"));
            }
            played("windows", *last)
        }
        Expectation::Granted { .. } => {
            Err(Fault::new(format!("{field}.window"), "needs `window` or `windows`, and not both"))
        }
        Expectation::GrantedMax { window, .. }
        | Expectation::WindowTotal { window, .. }
        | Expectation::WindowMax { window, .. } => played("window", *window),
        _ => Ok(()),
    }
}

/// Keys that need each other.
fn check_pairs(field: &str, what: &Expectation) -> Checked<()> {
    let missing = |key: &str, beside: &str| {
        Err(Fault::new(format!("{field}.{key}"), format!("is missing beside `{beside}`")))
    };
    match what {
        Expectation::GrantedBy { min: None, max: None, .. } => {
            Err(Fault::new(format!("{field}.min"), "needs `min` or `max`"))
        }
        Expectation::FirstGrant { at_s: None, max_window: None, .. } => {
            Err(Fault::new(format!("{field}.at_s"), "needs `at_s` and `abs_s`, or `max_window`"))
        }
        Expectation::FirstGrant { at_s: Some(_), abs_s: None, .. } => missing("abs_s", "at_s"),
        Expectation::Decision { answer, at_s: None, .. } if *answer != ExpectedAnswer::NotRejected => {
            missing("at_s", "answer")
        }
        Expectation::Decision { at_s: Some(_), abs_s: None, answer, .. }
            if *answer != ExpectedAnswer::NotRejected =>
        {
            missing("abs_s", "at_s")
        }
        Expectation::Decision { retry_after_s: Some(_), retry_abs_s: None, .. } => {
            missing("retry_abs_s", "retry_after_s")
        }
        _ => Ok(()),
    }
}
