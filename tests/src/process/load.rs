//! Workers that ask for leases, hold each request to the end of its lease, call the provider and report what it said.
//!
//! They speak the contract alone, as a client in any language would: durations counted from the sending on a monotonic clock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::observation::Reset;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::transport::Channel;

use super::call::{Line, Said};
use super::log::{Call, Log, Refusal, reason};
use super::pass;

/// A client of the service.
pub type Client = QuotaServiceClient<Channel>;

/// Kept from a lease's end by those who use it as late as they can.
const LATE: Duration = Duration::from_millis(30);
/// The pause after a refusal that says nothing of when to ask again.
const PAUSE: Duration = Duration::from_millis(25);

/// How some workers behave.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// How many of them there are.
    pub workers: usize,
    /// How many permits each asks for at once.
    pub permits: u32,
    /// The least that each would take.
    pub least: u32,
    /// How long each waits for a lease.
    pub max_wait: Duration,
    /// How long each keeps a lease before it uses it, but not beyond its end.
    pub keep: Duration,
    /// How long each rests after a lease.
    pub rest: Duration,
}

impl Habit {
    /// Workers that never rest.
    pub const BUSY: Self = Self {
        workers: 8,
        permits: 2,
        least: 1,
        max_wait: Duration::from_secs(3),
        keep: Duration::ZERO,
        rest: Duration::ZERO,
    };
}

/// What all workers share.
#[derive(Debug)]
struct Shared {
    server: watch::Receiver<Channel>,
    stop: watch::Receiver<bool>,
    log: Mutex<Log>,
}

/// Workers at work.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    server: watch::Sender<Channel>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Load {
    /// Sets workers to work.
    pub fn start(server: Channel, provider: SocketAddr, habits: &[Habit]) -> Self {
        let (to_server, server) = watch::channel(server);
        let (to_stop, stop) = watch::channel(false);
        let shared = Arc::new(Shared { server, stop, log: Mutex::default() });
        let mut load = Self { shared, server: to_server, stop: to_stop, workers: JoinSet::new() };
        for (kind, habit) in habits.iter().enumerate() {
            for number in 0..habit.workers {
                let worker = Worker {
                    shared: Arc::clone(&load.shared),
                    habit: *habit,
                    caller: format!("worker-{kind}-{number}"),
                    line: Line::new(provider),
                };
                load.workers.spawn(worker.work());
            }
        }
        load
    }

    /// The server is elsewhere from now on.
    pub fn turn_to(&self, server: Channel) {
        let _ = self.server.send(server);
    }

    /// What was seen so far.
    pub fn seen(&self) -> Log {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets every worker end what it does, and returns what they saw.
    pub async fn stop(mut self) -> Log {
        let _ = self.stop.send(true);
        while let Some(ended) = self.workers.join_next().await {
            ended.expect("a worker does not panic");
        }
        self.seen()
    }
}

struct Worker {
    shared: Arc<Shared>,
    habit: Habit,
    caller: String,
    line: Line,
}

impl Worker {
    async fn work(mut self) {
        while !*self.shared.stop.borrow() {
            let mut client = QuotaServiceClient::new(self.shared.server.borrow().clone());
            if self.line.ready().await.is_none() {
                pass(PAUSE).await;
                continue;
            }
            let sent = Instant::now();
            match client.acquire_lease(self.request()).await {
                Ok(answer) => {
                    let lease = answer.into_inner().lease.expect("a lease");
                    self.note(|log| log.leases.push((Instant::now(), lease.permits)));
                    self.spend(&mut client, sent, &lease).await;
                    pass(self.habit.rest).await;
                }
                Err(status) => {
                    let refusal = Refusal {
                        sent,
                        answered: Instant::now(),
                        code: status.code(),
                        reason: reason(&status),
                        message: status.message().into(),
                    };
                    self.note(|log| log.refusals.push(refusal));
                    pass(PAUSE).await;
                }
            }
        }
    }

    fn request(&self) -> Request<v1::AcquireLeaseRequest> {
        let mut request = Request::new(v1::AcquireLeaseRequest {
            caller: self.caller.clone(),
            permits: Some(self.habit.permits),
            min_permits: Some(self.habit.least),
            max_wait: prost_types::Duration::try_from(self.habit.max_wait).ok(),
            ..v1::AcquireLeaseRequest::default()
        });
        request.set_timeout(self.habit.max_wait + Duration::from_secs(1));
        request
    }

    async fn spend(&mut self, client: &mut Client, sent: Instant, lease: &v1::Lease) {
        let decided = sent + span(lease.held.as_ref());
        let end = decided + span(lease.valid_for.as_ref());
        let keep = self.habit.keep.min(end.saturating_duration_since(Instant::now() + LATE));
        pass(keep).await;
        let mut calls = Vec::new();
        for _ in 0..lease.permits {
            if self.line.ready().await.is_none() || Instant::now() >= end {
                break;
            }
            let sent = Instant::now();
            let Some(said) = self.line.call().await else { break };
            let answered = Instant::now();
            calls.push(Call { decided, sent, answered, said, told: None });
            if said.is_throttled() {
                break;
            }
        }
        self.report(client, lease, end, calls).await;
    }

    async fn report(&self, client: &mut Client, lease: &v1::Lease, end: Instant, mut calls: Vec<Call>) {
        let used = u32::try_from(calls.len()).expect("few permits");
        let left = lease.permits - used;
        let throttled = calls.last().is_some_and(|call| call.said.is_throttled());
        // What is left after a throttle is spent, and what has ended cannot come back.
        let returned = if throttled || Instant::now() >= end { 0 } else { left };
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
        let told = Instant::now();
        self.note(|log| {
            match &answer {
                Ok(_) => calls.iter_mut().for_each(|call| call.told = Some(told)),
                Err(status) => {
                    *log.lost_reports
                        .entry(format!("{:?} {}", status.code(), reason(status)))
                        .or_default() += 1;
                }
            }
            log.returned +=
                answer.map_or(0, |answer| answer.into_inner().settled.map_or(0, |of| of.accepted_permits));
            log.expired += left - returned;
            let slowest = calls.iter().map(|call| call.answered - call.sent).max();
            log.slowest = log.slowest.max(slowest.unwrap_or_default());
            log.calls.append(&mut calls);
        });
    }

    fn note(&self, note: impl FnOnce(&mut Log)) {
        note(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What a response said, as the server is told it.
pub fn observation(call: &Call) -> v1::Observation {
    let Said { status, limit, remaining, reset, retry_after } = call.said;
    let seconds = |seconds| prost_types::Duration { seconds, nanos: 0 };
    v1::Observation {
        status: status.into(),
        limit_permits: limit,
        remaining_permits: remaining,
        reset: reset.map(|seconds| Reset::ResetTime(prost_types::Timestamp { seconds, nanos: 0 })),
        reset_precision: reset.map(|_| seconds(1)),
        throttled: call.said.is_throttled(),
        retry_after: retry_after.map(seconds),
        age: prost_types::Duration::try_from(call.answered.elapsed()).ok(),
        ..v1::Observation::default()
    }
}

/// A duration of the wire; none is nothing.
pub fn span(wire: Option<&prost_types::Duration>) -> Duration {
    wire.map_or(Duration::ZERO, |wire| Duration::try_from(*wire).expect("not negative"))
}
