//! The metrics of limits, teams and priorities. Labels come from the policy and from this file, never from a caller's string.

use super::figures::All;
use crate::engine::WaitSummary;
use apportion_core::allocator::{LimitNow, TeamNow};
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;

pub(super) fn encode_limits(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
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
        "Permits used outside this server",
        of(|limit| limit.external_use.get().into()),
    )?;
    gauge(encoder, "window_open", "Whether ordinary grants are made now", of(|limit| limit.is_open.into()))?;
    let help = "Responses that were ignored, as a whole or in what they said of a reset";
    counter(encoder, "ignored_observations", help, of(|limit| limit.ignored))?;
    let help = "Responses that throttled a request or asked to wait";
    counter(encoder, "throttles", help, of(|limit| limit.throttles))
}

pub(super) fn encode_teams(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
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
    gauge(
        encoder,
        "team_expected_permits",
        "Permits kept for teams that are expected back",
        of(|team| team.expected),
    )
}

pub(super) fn encode_priorities(encoder: &mut DescriptorEncoder<'_>, all: &All) -> fmt::Result {
    let of = |value: fn(&WaitSummary) -> Option<u64>| {
        all.iter().flat_map(move |(id, now)| {
            now.teams.iter().flat_map(move |(team, priorities)| {
                priorities.iter().filter_map(move |(c, summary)| {
                    let labels =
                        [("workspace", id.as_str()), ("team", team.id.as_str()), ("priority", c.name())];
                    Some((labels, value(summary)?))
                })
            })
        })
    };
    counter(encoder, "granted_requests", "Requests granted", of(|waits| Some(waits.total_granted_requests)))?;
    counter(encoder, "granted_permits", "Permits granted", of(|waits| Some(waits.total_granted_permits)))?;
    counter(encoder, "refused_requests", "Requests refused", of(|waits| Some(waits.total_refused_requests)))?;
    let p50 = of(|waits| waits.p50.map(|wait| wait.as_ns() / 1_000_000));
    gauge(
        encoder,
        "wait_p50_milliseconds",
        "What half of the granted of the last minute waited at most",
        p50,
    )?;
    let p99 = of(|waits| waits.p99.map(|wait| wait.as_ns() / 1_000_000));
    gauge(
        encoder,
        "wait_p99_milliseconds",
        "What 99 of 100 of the granted of the last minute waited at most",
        p99,
    )
}

pub(super) fn gauge<L: EncodeLabelSet>(
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

/// A gauge of the whole process.
pub(super) fn single(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn counter<L: EncodeLabelSet>(
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
