//! What a scrape collects: the figures of workspaces, refused credentials, and windows booked ahead.

use super::encode::{counter, encode_limits, encode_priorities, encode_teams, gauge, single};
use super::figures::All;
use crate::engine::{Engine, StoreTimes, WRITE_BOUNDS_MS};
use crate::error::Error;
use crate::leases::{Cluster, ForwardResult};
use crate::service::gate::Gate;
use crate::service::guesses::CredentialFault;
use apportion_core::request::Reason;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The figures of all workspaces.
#[derive(Debug)]
pub(super) struct Workspaces(pub(super) Arc<Mutex<All>>);

impl Collector for Workspaces {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        encode_limits(&mut encoder, &all)?;
        encode_teams(&mut encoder, &all)?;
        encode_priorities(&mut encoder, &all)?;
        let waiting = all.iter().map(|(id, now)| ([("workspace", id.as_str())], now.waiting_requests as u64));
        gauge(&mut encoder, "waiting_requests", "Waiting requests", waiting)?;
        let refusals = all.iter().flat_map(|(id, now)| {
            let of = |reason: &Reason| [("workspace", id.as_str()), ("reason", reason.name())];
            now.refusals.iter().map(move |(reason, count)| (of(reason), *count))
        });
        counter(&mut encoder, "refusals", "Requests refused, by reason", refusals)?;
        let trouble = all.iter().filter_map(|(id, now)| {
            Some(([("workspace", id.as_str()), ("reason", name(now.trouble.as_ref()?))], 1))
        });
        gauge(&mut encoder, "trouble", "Why a workspace grants nothing, or only what is booked", trouble)
    }
}

/// The credentials that the gate refused.
#[derive(Debug)]
pub(super) struct RefusedCredentials(pub(super) Arc<Gate>);

impl Collector for RefusedCredentials {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let guesses = self.0.guesses();
        let refused =
            CredentialFault::ALL.iter().map(|&(fault, name)| ([("credential", name)], guesses.count(fault)));
        counter(&mut encoder, "refused_credentials", "Credentials refused", refused)
    }
}

/// The calls that were passed on to other nodes, the shards that this one owns, and how often it took one over.
#[derive(Debug)]
pub(super) struct Forwarded {
    pub(super) cluster: Arc<Cluster>,
    pub(super) engine: Arc<Engine>,
}

impl Collector for Forwarded {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let count = |result| self.cluster.forwarded.count(result);
        let passed = ForwardResult::ALL.iter().map(|&(result, name)| ([("result", name)], count(result)));
        counter(&mut encoder, "forwarded_requests", "Calls passed on to other nodes", passed)?;
        let help = "Shards that this node took over";
        let mut taken_over = encoder.encode_descriptor("takeovers", help, None, MetricType::Counter)?;
        taken_over.encode_counter::<NoLabelSet, u64, u64>(&self.engine.takeovers(), None)?;
        let owned: Vec<String> = (0..self.engine.shard_count())
            .filter(|&shard| self.cluster.owns(shard))
            .map(|shard| shard.to_string())
            .collect();
        let owned = owned.iter().map(|shard| ([("shard", shard.as_str())], 1));
        gauge(&mut encoder, "shard_owned", "Shards that this node owns", owned)?;
        single(&mut encoder, "shards", "Shards of the cluster", self.engine.shard_count().into())?;
        let help = "Whether etcd confirms that this node is one of the cluster";
        single(&mut encoder, "etcd_session", help, self.cluster.is_confirmed().into())
    }
}

/// The windows that a clock far ahead has booked.
#[derive(Debug)]
pub(super) struct BookedAhead(pub(super) Arc<Engine>);

impl Collector for BookedAhead {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let seconds = self.0.booked_ahead().as_ns() / 1_000_000_000;
        let help = "How far ahead a wrong clock has booked windows; 0 if none has";
        single(&mut encoder, "booked_ahead_seconds", help, seconds)
    }
}

/// The ledger's use of the store.
#[derive(Debug)]
pub(super) struct StoreUsed(pub(super) Arc<Engine>);

impl Collector for StoreUsed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let StoreTimes { buckets, total, failures } = self.0.store_times();
        // The last bucket has no bound.
        let bounds = WRITE_BOUNDS_MS.map(|ms| Duration::from_millis(ms).as_secs_f64());
        let buckets: Vec<_> = bounds.into_iter().chain([f64::MAX]).zip(buckets).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let help = "How long writes of bookings took";
        let mut writes =
            encoder.encode_descriptor("store_write_seconds", help, None, MetricType::Histogram)?;
        writes.encode_histogram::<NoLabelSet>(total.as_secs_f64(), count, &buckets, None)?;
        let help = "How often the store failed after it had worked";
        let mut failed = encoder.encode_descriptor("store_failures", help, None, MetricType::Counter)?;
        failed.encode_counter::<NoLabelSet, u64, u64>(&failures, None)?;
        single(&mut encoder, "store_lost", "Whether the store fails now", self.0.is_store_lost().into())
    }
}

fn name(trouble: &Error) -> &'static str {
    trouble.reason().as_str_name().trim_start_matches("REASON_")
}
