//! Requests at a steady rate, whether or not earlier ones were answered: how long each waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::observation::Reset;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
use tonic::transport::Channel;

use super::pass;
use super::wire::seconds;

/// How a lease is requested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// With a call for each.
    Call,
    /// With a message for each, on one stream.
    Exchange,
}

/// Requests of the team `default` at a steady rate.
#[derive(Clone, Debug)]
pub struct Steady {
    /// The workspace.
    pub workspace: String,
    /// The priority.
    pub priority: v1::Priority,
    /// The time from one request to the next.
    pub every: Duration,
    /// How each is sent.
    pub by: By,
}

impl Steady {
    /// Sends requests during `span`, and returns how long each waited, shortest first. Panics if one is refused.
    pub async fn ask(self, server: Channel, span: Duration) -> Vec<Duration> {
        let mut waits = match self.by {
            By::Call => self.call(server, span).await,
            By::Exchange => self.exchange(server, span).await,
        };
        waits.sort();
        waits
    }

    fn request(&self) -> v1::AcquireLeaseRequest {
        v1::AcquireLeaseRequest {
            workspace: self.workspace.clone(),
            priority: self.priority.into(),
            ..v1::AcquireLeaseRequest::default()
        }
    }

    async fn call(&self, server: Channel, span: Duration) -> Vec<Duration> {
        let (mut calls, mut ticks) = (JoinSet::new(), tokio::time::interval(self.every));
        let started = Instant::now();
        while started.elapsed() < span {
            ticks.tick().await;
            let (mut client, request) = (QuotaServiceClient::new(server.clone()), self.request());
            calls.spawn(async move {
                let sent = Instant::now();
                client.acquire_lease(request).await.map(|_| sent.elapsed())
            });
        }
        let waits = calls.join_all().await;
        waits.into_iter().map(|wait| wait.unwrap_or_else(|status| panic!("{self:?}: {status}"))).collect()
    }

    async fn exchange(&self, server: Channel, span: Duration) -> Vec<Duration> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sent: Arc<Mutex<BTreeMap<u64, Instant>>> = Arc::default();
        let (request, every, noted) = (self.request(), self.every, Arc::clone(&sent));
        tokio::spawn(async move {
            let (mut ticks, started) = (tokio::time::interval(every), Instant::now());
            for id in 1.. {
                ticks.tick().await;
                if started.elapsed() >= span {
                    break; // dropping the sender closes the stream
                }
                noted.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Instant::now());
                let request = Some(Request::Acquire(Box::new(request.clone())));
                let _ = sender.send(v1::ExchangeRequest { id, request });
            }
        });
        let stream = QuotaServiceClient::new(server).exchange(UnboundedReceiverStream::new(receiver)).await;
        let (mut answers, mut waits) = (stream.expect("a stream").into_inner(), Vec::new());
        let end = Instant::now() + span + Duration::from_secs(10);
        loop {
            let v1::ExchangeResponse { id, response } =
                match tokio::time::timeout_at(end.into(), answers.next()).await {
                    Ok(Some(answer)) => answer.expect("an answer"),
                    Ok(None) => return waits,
                    Err(_) => panic!("{self:?}: not answered"),
                };
            match response.expect("an answer") {
                Response::Granted(_) => {
                    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    waits.push(sent.expect("it was asked for").elapsed());
                }
                other => panic!("{self:?}: {other:?}"),
            }
        }
    }
}

/// Creates a workspace with one limit; every other setting is that of `rest`.
pub async fn create(server: &Channel, id: &str, permits: u32, window_s: i64, rest: v1::Workspace) {
    let limit = v1::Limit {
        limit_id: "main".into(),
        permits,
        window: Some(seconds(window_s)),
        ..v1::Limit::default()
    };
    let request = v1::CreateWorkspaceRequest {
        workspace_id: id.into(),
        workspace: Some(v1::Workspace { limits: vec![limit], ..rest }),
        ..v1::CreateWorkspaceRequest::default()
    };
    AdminServiceClient::new(server.clone()).create_workspace(request).await.expect("a workspace");
    first_lease(server, id).await;
}

/// A lease of a workspace that was just created and opens a moment later.
async fn first_lease(server: &Channel, workspace: &str) -> v1::Lease {
    let mut client = QuotaServiceClient::new(server.clone());
    let request = v1::AcquireLeaseRequest { workspace: workspace.into(), ..Default::default() };
    loop {
        match client.acquire_lease(request.clone()).await {
            Ok(answer) => return answer.into_inner().lease.expect("a lease"),
            Err(status) if status.code() == Code::Unavailable => pass(Duration::from_millis(20)).await,
            Err(status) => panic!("{workspace}: {status}"),
        }
    }
}

/// Reports a reset at another whole second than that of the policy: from then on the start of windows is known to a second on
/// either side of `phase_s` seconds after a multiple of the window.
pub async fn learn_a_phase(server: &Channel, workspace: &str, window_s: i64, phase_s: i64) {
    let lease = first_lease(server, workspace).await;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = i64::try_from(since.as_secs()).expect("a time before 2554");
    let seconds = (now - phase_s).div_euclid(window_s) * window_s + window_s + phase_s;
    let observation = v1::Observation {
        status: 200,
        reset: Some(Reset::ResetTime(prost_types::Timestamp { seconds, nanos: 0 })),
        ..v1::Observation::default()
    };
    let settle = v1::SettleLeaseRequest {
        workspace: workspace.into(),
        lease_id: lease.lease_id,
        used_permits: 1,
        is_final: true,
        observations: vec![observation],
        ..v1::SettleLeaseRequest::default()
    };
    QuotaServiceClient::new(server.clone()).settle_lease(settle).await.expect("an answer");
}
