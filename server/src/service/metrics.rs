//! Metrics for Prometheus: read from the engine when they are asked for, so a grant pays nothing for them but a count.
//!
//! Many workspaces are read a few at a time, by a thread of its own, with a pause in between for those who are served.
//!
//! Labels come from the policy (workspace, limit, team, priority) and from this file, never from a caller's string.

use super::gate::Gate;
use super::guesses::Wrong;
use super::scrape::{Pieces, Scrape};
use crate::engine::{Engine, Refused, Snapshot, WaitSummary};
use apportion_core::allocator::{LimitNow, TeamNow};
use apportion_core::ids::WorkspaceId;
use apportion_core::priority::Priority;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What Prometheus calls the format.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Most scrapes that are written at once: each holds the figures of every workspace. Beyond it, the oldest is broken off.
const SCRAPES_MAX: usize = 4;
/// How long a scrape waits for one that is broken off.
const TURN: Duration = Duration::from_secs(2);
/// Workspaces that are read in one go, and the pause after them.
const READ: (usize, Duration) = (64, Duration::from_millis(1));
/// Workspaces whose figures are let go at once.
const FORGOTTEN: usize = 1_024;

/// Everything that Prometheus may ask for.
#[derive(Debug)]
pub struct Metrics {
    engine: Arc<Engine>,
    gate: Arc<Gate>,
    room: Arc<Semaphore>,
    /// The scrapes that are written or wait for their turn, the oldest first.
    scrapes: Mutex<VecDeque<CancellationToken>>,
}

impl Metrics {
    /// The metrics of an engine and of the gate before it.
    pub fn new(engine: Arc<Engine>, gate: Arc<Gate>) -> Self {
        let room = Arc::new(Semaphore::new(SCRAPES_MAX));
        Self { engine, gate, room, scrapes: Mutex::default() }
    }

    /// All of them as text; none where too many ask at once. To be called inside a tokio runtime.
    pub async fn scrape(&self) -> Option<Scrape> {
        let end = self.enter();
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.room).acquire_owned());
        let permit = tokio::select! {
            () = end.cancelled() => return None,
            turn = turn => turn.ok()?.ok()?,
        };
        let (engine, gate) = (Arc::clone(&self.engine), Arc::clone(&self.gate));
        Some(Scrape::start(permit, end, move |pieces| {
            let mut registry = Registry::with_prefix("apportion");
            let all = Arc::new(Mutex::new(read(&engine, pieces)?));
            registry.register_collector(Box::new(Collected(Arc::clone(&all))));
            registry.register_collector(Box::new(Refusals(gate)));
            registry.register_collector(Box::new(BookedAhead(engine)));
            encode(pieces, &registry)?;
            forget(&all, pieces)
        }))
    }

    /// The end of one more scrape, which is broken off by a later one where it is too many.
    fn enter(&self) -> CancellationToken {
        let mut scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        scrapes.retain(|scrape| !scrape.is_cancelled());
        if scrapes.len() >= SCRAPES_MAX {
            scrapes.pop_front().inspect(CancellationToken::cancel);
        }
        let end = CancellationToken::new();
        scrapes.push_back(end.clone());
        end
    }
}

/// The figures of all workspaces, in order of id, at about one instant.
type All = Vec<(WorkspaceId, Shown)>;

/// What metrics say of a workspace: a small part of what a watcher is shown.
#[derive(Debug)]
struct Shown {
    limits: Vec<LimitNow>,
    teams: Vec<(TeamNow, Vec<(Priority, WaitSummary)>)>,
    waiting_requests: usize,
    trouble: Option<Refused>,
}

impl From<Snapshot> for Shown {
    fn from(now: Snapshot) -> Self {
        let lanes = |waits: crate::engine::TeamWaits| {
            let lanes = Priority::ALL.into_iter().zip(waits.0);
            lanes.filter_map(|(c, lane)| Some((c, lane?))).collect()
        };
        let teams = now.teams.into_iter().map(|(team, waits)| (team, lanes(waits))).collect();
        let Snapshot { limits, waiting_requests, trouble, .. } = now;
        Self { limits, teams, waiting_requests, trouble }
    }
}

fn read(engine: &Engine, pieces: &Pieces) -> Result<All, fmt::Error> {
    let mut ids = engine.workspaces();
    ids.sort_unstable();
    let (at_once, pause) = READ;
    let mut all = All::with_capacity(ids.len());
    for some in ids.chunks(at_once) {
        if !all.is_empty() {
            pieces.pause(pause)?;
        }
        all.extend(some.iter().filter_map(|id| Some((id.clone(), engine.figures(id).ok()?.into()))));
    }
    Ok(all)
}

/// Lets the figures go in pieces too: to free many at once takes as long as to read them.
fn forget(all: &Mutex<All>, pieces: &Pieces) -> fmt::Result {
    let (_, pause) = READ;
    let mut all = std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
    while !all.is_empty() {
        all.truncate(all.len().saturating_sub(FORGOTTEN));
        pieces.pause(pause)?;
    }
    Ok(())
}

#[derive(Debug)]
struct Collected(Arc<Mutex<All>>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

/// What a clock that was far ahead left in the store.
#[derive(Debug)]
struct BookedAhead(Arc<Engine>);

impl Collector for BookedAhead {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let seconds = self.0.booked_ahead().as_ns() / 1_000_000_000;
        let help = "How far ahead a clock that was wrong has booked windows; 0 where none has";
        let mut metric = encoder.encode_descriptor("booked_ahead_seconds", help, None, MetricType::Gauge)?;
        metric.encode_gauge(&i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

fn encode_limits(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&LimitNow) -> u64| {
        all.iter().flat_map(move |(id, now)| {
            let shown = |limit| [("workspace", id.as_str()), ("limit", limit)];
            now.limits.iter().map(move |limit| (shown(limit.id.as_str()), value(limit)))
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
    gauge(
        encoder,
        "window_others_permits",
        "Permits used by others",
        of(|limit| limit.external_use.get().into()),
    )?;
    gauge(encoder, "window_open", "Whether ordinary grants are made now", of(|limit| limit.is_open.into()))?;
    let help = "Responses that were ignored, as a whole or in what they said of a reset";
    counter(encoder, "ignored_observations", help, of(|limit| limit.ignored))
}

fn encode_teams(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&TeamNow) -> u64| {
        all.iter().flat_map(move |(id, now)| {
            let shown = |team| [("workspace", id.as_str()), ("team", team)];
            now.teams.iter().map(move |(team, _)| (shown(team.id.as_str()), value(team)))
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
            now.teams.iter().flat_map(move |(team, lanes)| {
                lanes.iter().filter_map(move |(c, summary)| {
                    let labels =
                        [("workspace", id.as_str()), ("team", team.id.as_str()), ("priority", c.name())];
                    Some((labels, value(summary)?))
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
