//! Metrics for Prometheus: read from the engine when they are asked for, so a grant pays nothing for them but a count.
//!
//! Labels come from the policy (workspace, limit, team, priority) and from this file, never from a caller's string.

use super::gate::Gate;
use super::guesses::Wrong;
use crate::engine::{Engine, Refused, Snapshot, WaitSummary};
use apportion_core::ids::WorkspaceId;
use apportion_core::priority::Priority;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// What Prometheus calls the format.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that Prometheus may ask for.
#[derive(Debug)]
pub struct Metrics(Registry);

impl Metrics {
    /// The metrics of an engine and of the gate before it.
    pub fn new(engine: Arc<Engine>, gate: Arc<Gate>) -> Self {
        let mut registry = Registry::with_prefix("apportion");
        registry.register_collector(Box::new(Collected(engine)));
        registry.register_collector(Box::new(Refusals(gate)));
        Self(registry)
    }

    /// All of them as text.
    ///
    /// # Errors
    /// Never, as far as memory lasts.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct Collected(Arc<Engine>);

/// Snapshots of all workspaces at about one instant.
type All = Vec<(WorkspaceId, Snapshot)>;

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut ids = self.0.workspaces();
        ids.sort();
        let all: All =
            ids.into_iter().filter_map(|id| Some((id.clone(), self.0.snapshot(&id).ok()?))).collect();
        encode_limits(&mut encoder, &all)?;
        encode_teams(&mut encoder, &all)?;
        encode_lanes(&mut encoder, &all)?;
        let waiting = all.iter().map(|(id, now)| ([("workspace", id.as_str())], now.waiting_requests as u64));
        gauge(&mut encoder, "waiting_requests", "Requests that wait", waiting)?;
        let trouble = all.iter().filter_map(|(id, now)| {
            Some(([("workspace", id.as_str()), ("reason", name(now.trouble.as_ref()?))], 1))
        });
        gauge(&mut encoder, "trouble", "Why a workspace grants nothing, or only what is booked", trouble)
    }
}

/// The credentials that the gate refused.
#[derive(Debug)]
struct Refusals(Arc<Gate>);

impl Collector for Refusals {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let guesses = self.0.guesses();
        let refused = Wrong::ALL.iter().map(|&(wrong, name)| ([("credential", name)], guesses.count(wrong)));
        counter(&mut encoder, "refused_credentials", "Credentials refused", refused)
    }
}

fn encode_limits(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&apportion_core::allocator::LimitNow) -> u64| {
        all.iter().flat_map(move |(id, now)| {
            let labels =
                move |limit: &'_ str| [("workspace", id.as_str().to_owned()), ("limit", limit.to_owned())];
            now.limits.iter().map(move |limit| (labels(limit.id.as_str()), value(limit)))
        })
    };
    gauge(
        encoder,
        "window_budget_permits",
        "Permits of the window now",
        of(|limit| limit.budget.get().into()),
    )?;
    gauge(
        encoder,
        "window_left_permits",
        "Permits that may still be granted",
        of(|limit| limit.left.get().into()),
    )?;
    gauge(
        encoder,
        "window_booked_permits",
        "Permits booked by anyone",
        of(|limit| limit.booked.get().into()),
    )?;
    gauge(encoder, "window_others_permits", "Permits used by others", of(|limit| limit.others.get().into()))?;
    gauge(encoder, "window_open", "Whether ordinary grants are made now", of(|limit| limit.is_open.into()))
}

fn encode_teams(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&apportion_core::allocator::TeamNow) -> u64| {
        all.iter().flat_map(move |(id, now)| {
            let labels =
                move |team: &'_ str| [("workspace", id.as_str().to_owned()), ("team", team.to_owned())];
            now.teams.iter().map(move |(team, _)| (labels(team.id.as_str()), value(team)))
        })
    };
    gauge(
        encoder,
        "team_window_permits",
        "Permits granted in the window now",
        of(|team| team.granted.get().into()),
    )?;
    gauge(encoder, "team_waiting_permits", "Permits that wait", of(|team| team.waiting_permits))?;
    gauge(encoder, "team_expected_permits", "Permits kept for who comes back", of(|team| team.expected))
}

fn encode_lanes(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&WaitSummary) -> Option<u64>| {
        all.iter().flat_map(move |(id, now)| {
            now.teams.iter().flat_map(move |(team, waits)| {
                Priority::ALL.into_iter().filter_map(move |c| {
                    let summary = waits[c].as_ref()?;
                    let labels =
                        [("workspace", id.as_str()), ("team", team.id.as_str()), ("priority", c.name())];
                    Some((labels.map(|(key, value)| (key, value.to_owned())), value(summary)?))
                })
            })
        })
    };
    counter(encoder, "granted_requests", "Requests granted", of(|lane| Some(lane.total_granted_requests)))?;
    counter(encoder, "granted_permits", "Permits granted", of(|lane| Some(lane.total_granted_permits)))?;
    counter(encoder, "refused_requests", "Requests refused", of(|lane| Some(lane.total_refused_requests)))?;
    let p50 = of(|lane| lane.p50.map(|wait| wait.as_ns() / 1_000_000));
    gauge(
        encoder,
        "wait_p50_milliseconds",
        "What half of the granted of the last minute waited at most",
        p50,
    )?;
    let p99 = of(|lane| lane.p99.map(|wait| wait.as_ns() / 1_000_000));
    gauge(
        encoder,
        "wait_p99_milliseconds",
        "What 99 of 100 of the granted of the last minute waited at most",
        p99,
    )
}

fn gauge<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

fn counter<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&value, None)?;
    }
    Ok(())
}

fn name(refused: &Refused) -> &'static str {
    match refused {
        Refused::StoreLost => "STORE_LOST",
        Refused::Draining => "DRAINING",
        Refused::ClockUnsteady => "CLOCK_UNSTEADY",
        _ => "INTERNAL",
    }
}
