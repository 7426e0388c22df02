//! One worker: it requests leases, holds each request to the end of its lease, calls the provider and reports its responses.
//!
//! It uses the contract alone, as a client in any language would: durations counted from the sending, on a monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::observation::Reset;
use tokio::sync::watch;
use tonic::Request;
use tonic::transport::Channel;

use super::call::{ProviderConnection, ProviderResponse};
use super::log::{Call, Log, RefusedRequest};
use super::pass;
use super::status::reason;
use super::wire::{Client, seconds, span};

/// The margin before the end of a lease that is kept as long as possible.
const LATE: Duration = Duration::from_millis(30);
/// The pause after an error.
const PAUSE: Duration = Duration::from_millis(25);

/// How some workers behave.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// How many workers there are.
    pub workers: usize,
    /// How many permits each requests at once.
    pub permits: u32,
    /// The least number that each accepts.
    pub min_permits: u32,
    /// How long each waits for a lease.
    pub max_wait: Duration,
    /// How long each keeps a lease before it uses it, but not beyond its end.
    pub keep: Duration,
    /// How long each rests after a lease.
    pub rest: Duration,
}

impl Workload {
    /// Workers that never rest.
    pub const BUSY: Self = Self {
        workers: 8,
        permits: 2,
        min_permits: 1,
        max_wait: Duration::from_secs(3),
        keep: Duration::ZERO,
        rest: Duration::ZERO,
    };
}

/// What all workers of a load share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) server: watch::Receiver<Channel>,
    pub(super) is_stopped: watch::Receiver<bool>,
    pub(super) log: Mutex<Log>,
}

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) workload: Workload,
    pub(super) caller: String,
    pub(super) provider: ProviderConnection,
}

impl Worker {
    /// Works until the load is stopped.
    pub(super) async fn work(mut self) {
        while !*self.shared.is_stopped.borrow() {
            let mut client = Client::new(self.shared.server.borrow().clone());
            if self.provider.ready().await.is_none() {
                pass(PAUSE).await;
                continue;
            }
            let sent = Instant::now();
            match client.acquire_lease(self.request()).await {
                Ok(answer) => {
                    let lease = answer.into_inner().lease.expect("a lease");
                    self.record(|log| log.leases.push((Instant::now(), lease.permits)));
                    self.spend(&mut client, sent, &lease).await;
                    pass(self.workload.rest).await;
                }
                Err(status) => {
                    let refusal = RefusedRequest {
                        sent,
                        answered: Instant::now(),
                        code: status.code(),
                        reason: reason(&status),
                        message: status.message().into(),
                    };
                    self.record(|log| log.refusals.push(refusal));
                    pass(PAUSE).await;
                }
            }
        }
    }

    fn request(&self) -> Request<v1::AcquireLeaseRequest> {
        let mut request = Request::new(v1::AcquireLeaseRequest {
            caller: self.caller.clone(),
            permits: Some(self.workload.permits),
            min_permits: Some(self.workload.min_permits),
            max_wait: prost_types::Duration::try_from(self.workload.max_wait).ok(),
            ..v1::AcquireLeaseRequest::default()
        });
        request.set_timeout(self.workload.max_wait + Duration::from_secs(1));
        request
    }

    async fn spend(&mut self, client: &mut Client, sent: Instant, lease: &v1::Lease) {
        let decided = sent + span(lease.held.as_ref());
        let end = decided + span(lease.valid_for.as_ref());
        let keep = self.workload.keep.min(end.saturating_duration_since(Instant::now() + LATE));
        pass(keep).await;
        let mut calls = Vec::new();
        for _ in 0..lease.permits {
            if self.provider.ready().await.is_none() || Instant::now() >= end {
                break;
            }
            let sent = Instant::now();
            let Some(response) = self.provider.call().await else { break };
            let answered = Instant::now();
            calls.push(Call { decided, sent, answered, response, reported: None });
            if response.is_throttled() {
                break;
            }
        }
        self.report(client, lease, end, calls).await;
    }

    async fn report(&self, client: &mut Client, lease: &v1::Lease, end: Instant, mut calls: Vec<Call>) {
        let used = u32::try_from(calls.len()).expect("few permits");
        let unused = lease.permits - used;
        let throttled = calls.last().is_some_and(|call| call.response.is_throttled());
        // After a throttle the rest is spent, and an expired lease returns nothing.
        let returned = if throttled || Instant::now() >= end { 0 } else { unused };
        let settle = v1::SettleLeaseRequest {
            caller: self.caller.clone(),
            lease_id: lease.lease_id.clone(),
            used_permits: used,
            returned_permits: returned,
            is_final: true,
            observations: calls.iter().map(observation).collect(),
            ..v1::SettleLeaseRequest::default()
        };
        let mut request = Request::new(settle);
        request.set_timeout(Duration::from_secs(20));
        let answer = client.settle_lease(request).await;
        let reported = Instant::now();
        self.record(|log| {
            match &answer {
                Ok(_) => calls.iter_mut().for_each(|call| call.reported = Some(reported)),
                Err(status) => {
                    *log.lost_reports
                        .entry(format!("{:?} {}", status.code(), reason(status)))
                        .or_default() += 1;
                }
            }
            log.returned += answer.map_or(0, |answer| {
                answer.into_inner().settled.map_or(0, |settled| settled.accepted_permits)
            });
            log.expired += unused - returned;
            let slowest = calls.iter().map(|call| call.answered - call.sent).max();
            log.slowest = log.slowest.max(slowest.unwrap_or_default());
            log.calls.append(&mut calls);
        });
    }

    fn record(&self, record: impl FnOnce(&mut Log)) {
        record(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A response, as it is reported to the server.
pub fn observation(call: &Call) -> v1::Observation {
    let ProviderResponse { status, limit, remaining, reset, retry_after } = call.response;
    v1::Observation {
        status: status.into(),
        limit_permits: limit,
        remaining_permits: remaining,
        reset: reset.map(|seconds| Reset::ResetTime(prost_types::Timestamp { seconds, nanos: 0 })),
        reset_precision: reset.map(|_| seconds(1)),
        throttled: call.response.is_throttled(),
        retry_after: retry_after.map(seconds),
        age: prost_types::Duration::try_from(call.answered.elapsed()).ok(),
        ..v1::Observation::default()
    }
}
