//! The files in `signals/`: the signals of every preset, and responses with what they mean, in the JSON form of protobuf.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use apportion_proto::v1::observation::Reset;
use apportion_proto::v1::{Observation, Signals};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::Deserialize;
use serde_json::Value;

use crate::v1;

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(apportion_proto::FILE_DESCRIPTOR_SET).expect("the contract describes itself")
});

/// A response, the signals to read it by, and what it means.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it states.
    pub name: String,
    /// What the driver is asked.
    pub question: v1::Interpret,
    /// What it must answer.
    pub answer: v1::Observations,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingsFile {
    preset: Option<String>,
    signals: Option<Value>,
    #[serde(rename = "source")]
    _source: Option<String>,
    cases: Vec<ReadingEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingEntry {
    name: String,
    signals: Option<Value>,
    response: ResponseEntry,
    #[serde(default)]
    observations: Vec<Value>,
    #[serde(default)]
    uncounted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseEntry {
    status: u32,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// The signals of a preset.
///
/// # Errors
/// If there is no such preset, or the file of presets cannot be read.
pub fn preset(name: &str) -> Result<Signals, String> {
    let presets: BTreeMap<String, Value> = parsed(&directory().join("presets.json"))?;
    message("Signals", presets.get(name).ok_or_else(|| format!("there is no preset {name}"))?)
}

/// The files of readings by name, in order.
///
/// # Errors
/// Names the first file that cannot be read.
pub fn readings() -> Result<Vec<(String, Vec<Reading>)>, String> {
    let mut files = Vec::new();
    for entry in directory().read_dir().map_err(|why| why.to_string())? {
        let path = entry.map_err(|why| why.to_string())?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name != "presets" {
            let readings = readings_of(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            files.push((name, readings));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("signals")
}

fn parsed<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|why| why.to_string())?;
    serde_json::from_str(&text).map_err(|why| why.to_string())
}

fn readings_of(path: &Path) -> Result<Vec<Reading>, String> {
    let file: ReadingsFile = parsed(path)?;
    let shared = match (&file.preset, &file.signals) {
        (Some(name), None) => Some(preset(name)?),
        (_, Some(signals)) => Some(message("Signals", signals)?),
        (None, None) => None,
    };
    file.cases.into_iter().map(|entry| reading(entry, shared.as_ref())).collect()
}

fn reading(entry: ReadingEntry, shared: Option<&Signals>) -> Result<Reading, String> {
    let named = |why| format!("{}: {why}", entry.name);
    let own = entry.signals.as_ref().map(|own| message("Signals", own)).transpose().map_err(named)?;
    let signals = own.as_ref().or(shared).ok_or_else(|| named("it has no signals".into()))?.encode_to_vec();
    let observations = entry.observations.iter().map(|json| message("Observation", json).map(observation));
    let observations = observations.collect::<Result<_, _>>().map_err(named)?;
    let header = |(name, value)| v1::Header { name, value };
    let response = v1::Response {
        status: entry.response.status,
        headers: entry.response.headers.into_iter().map(header).collect(),
        body: entry.response.body.map(String::into_bytes),
    };
    let question = v1::Interpret { signals, response: Some(response), received_unix_ns: 0 };
    let answer = v1::Observations { observations, is_uncounted: entry.uncounted };
    Ok(Reading { name: entry.name, question, answer })
}

/// Reads a message of the contract.
fn message<M: Message + Default>(name: &str, json: &Value) -> Result<M, String> {
    let descriptor = CONTRACT.get_message_by_name(&format!("apportion.v1.{name}"));
    let descriptor = descriptor.ok_or_else(|| format!("the contract has no {name}"))?;
    let message = DynamicMessage::deserialize(descriptor, json).map_err(|why| why.to_string())?;
    message.transcode_to().map_err(|why| why.to_string())
}

/// An observation of the contract, in the terms of the protocol.
pub fn observation(seen: Observation) -> v1::Observation {
    let ns = |seconds: i64, nanos: i32| seconds.saturating_mul(1_000_000_000).saturating_add(nanos.into());
    let span = |span: prost_types::Duration| ns(span.seconds, span.nanos);
    let (reset_time_unix_ns, reset_after_ns) = match seen.reset {
        Some(Reset::ResetTime(at)) => (Some(ns(at.seconds, at.nanos)), None),
        Some(Reset::ResetAfter(after)) => (None, Some(span(after))),
        None => (None, None),
    };
    v1::Observation {
        limit: seen.limit,
        status: seen.status,
        limit_permits: seen.limit_permits,
        remaining_permits: seen.remaining_permits,
        reset_time_unix_ns,
        reset_after_ns,
        reset_precision_ns: seen.reset_precision.map(span),
        throttled: seen.throttled,
        retry_after_ns: seen.retry_after.map(span),
        age_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_with_its_signals() {
        let files = readings().unwrap();
        let count: usize = files.iter().map(|(_, readings)| readings.len()).sum();
        assert!(files.len() > 10 && count > 100, "{} files with {count} readings", files.len());
        assert!(!preset("ietf").unwrap().limits.is_empty());
        assert!(preset("nobody").is_err());
    }
}
