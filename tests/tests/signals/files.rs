//! The files of cases, and signals in the JSON form of protobuf.

use crate::interpret::{Observed, Reading};
use crate::times::{Time, time};
use apportion_proto::v1::{Signals, TimeForm};
use apportion_server::preset;
use apportion_server::signals::SignalsTable;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The enum that each key holds a value of.
const PREFIXES: [(&str, &str, &str); 5] = [
    ("limit_permits", "form", "COUNT_FORM_"),
    ("remaining_permits", "form", "COUNT_FORM_"),
    ("reset", "form", "TIME_FORM_"),
    ("retry_after", "form", "TIME_FORM_"),
    ("throttles", "effect", "THROTTLE_EFFECT_"),
];

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/signals")
}

/// Every file of cases by its name, in order.
pub(crate) fn case_files() -> Vec<(String, Value)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory()).expect("the directory can be read") {
        let path = entry.expect("its entries can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".json") && name != "presets.json" {
            let text = fs::read_to_string(&path).expect("the file can be read");
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            files.push((name, value));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// The signals of a case: its own, or those of its file.
pub(crate) fn signals(file: &Value, case: &Value) -> Signals {
    let own = [&case["signals"], &file["signals"]].into_iter().find(|signals| signals.is_object());
    match own {
        Some(own) => {
            let table: Result<SignalsTable, _> = serde_json::from_value(renamed(own, "", false));
            (&table.unwrap_or_else(|error| panic!("{}: {error}", case["name"]))).into()
        }
        None => {
            let name = file["preset"].as_str().expect("signals or a preset");
            preset::named(name).expect("there is such a preset").expect("it has a name").signals()
        }
    }
}

/// The signals of every preset, by name.
pub(crate) fn presets() -> Value {
    let of = |preset: &preset::Preset| {
        let table = serde_json::to_value(SignalsTable::from(&preset.signals())).expect("it can be written");
        (preset.name.to_owned(), renamed(&table, "", true))
    };
    Value::Object(preset::ALL.iter().map(of).collect::<Map<_, _>>())
}

/// The same signals with the whole names of enumerated values, or without the prefix of their enum.
fn renamed(value: &Value, under: &str, is_whole: bool) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| renamed(value, under, is_whole)).collect(),
        Value::Object(fields) => {
            let one = |(key, value): (&String, &Value)| {
                let prefix = PREFIXES.iter().find(|(of, field, _)| *of == under && field == key);
                let value = match (prefix, value) {
                    (Some((_, _, prefix)), Value::String(name)) if is_whole => {
                        json!(format!("{prefix}{name}"))
                    }
                    (Some((_, _, prefix)), Value::String(name)) => {
                        json!(name.strip_prefix(prefix).expect(prefix))
                    }
                    _ => renamed(value, key, is_whole),
                };
                (key.clone(), value)
            };
            Value::Object(fields.iter().map(one).collect())
        }
        other => other.clone(),
    }
}

/// What a case expects.
pub(crate) fn expected(case: &Value) -> Reading {
    let observations = case["observations"].as_array().map(Vec::as_slice).unwrap_or_default();
    Reading {
        observations: observations.iter().map(observed).collect(),
        is_uncounted: case["uncounted"].as_bool().unwrap_or_default(),
    }
}

fn observed(wire: &Value) -> Observed {
    let known = [
        "limit",
        "status",
        "limit_permits",
        "remaining_permits",
        "reset_time",
        "reset_after",
        "reset_precision",
        "throttled",
        "retry_after",
    ];
    let fields = wire.as_object().expect("an observation");
    assert!(fields.keys().all(|key| known.contains(&&**key)), "an unknown field in {wire}");
    let text = |field: &str| wire[field].as_str();
    let span = |field: &str| {
        text(field).map(|span| match time(span, TimeForm::Duration) {
            Some(Time::Span(ns)) => ns,
            _ => panic!("{field}: {span}"),
        })
    };
    Observed {
        limit: text("limit").unwrap_or_default().into(),
        status: wire["status"].as_u64().and_then(|status| u32::try_from(status).ok()).unwrap_or_default(),
        limit_permits: wire["limit_permits"].as_u64(),
        remaining_permits: wire["remaining_permits"].as_u64(),
        reset_time: text("reset_time").map(|instant| match time(instant, TimeForm::Rfc3339) {
            Some(Time::Instant(ns)) => ns,
            _ => panic!("reset_time: {instant}"),
        }),
        reset_after: span("reset_after"),
        reset_precision: span("reset_precision"),
        is_throttled: wire["throttled"].as_bool().unwrap_or_default(),
        retry_after: span("retry_after"),
    }
}
