//! RLQS: `envoy.service.rate_limit_quota.v3.RateLimitQuotaService`. Each stream is one Envoy and one domain.

use super::stream::QuotaStream;
use crate::domains::Domains;
use crate::leases::LeaseRouter;
use crate::service::gate::Gate;
use crate::service::lease_calls::LeaseCalls;
use crate::status::ErrorScope;
use apportion_envoy::quota::rate_limit_quota_service_server::RateLimitQuotaService;
use apportion_envoy::quota::{RateLimitQuotaResponse, RateLimitQuotaUsageReports};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Assignments that may wait for a slow Envoy; more are made once it has read some.
const OUT_MAX: usize = 64;

/// The service that assigns permits to buckets of Envoys.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitQuotaCalls {
    calls: LeaseCalls,
    domains: Arc<Domains>,
    streams: Arc<AtomicU64>,
}

impl RateLimitQuotaCalls {
    /// The service of these domains, and of leases behind a gate.
    pub(crate) fn new(leases: LeaseRouter, gate: Arc<Gate>, domains: Arc<Domains>) -> Self {
        Self { calls: LeaseCalls::new(leases, gate), domains, streams: Arc::default() }
    }
}

#[tonic::async_trait]
impl RateLimitQuotaService for RateLimitQuotaCalls {
    type StreamRateLimitQuotasStream = ReceiverStream<Result<RateLimitQuotaResponse, Status>>;

    async fn stream_rate_limit_quotas(
        &self,
        request: Request<Streaming<RateLimitQuotaUsageReports>>,
    ) -> Result<Response<Self::StreamRateLimitQuotasStream>, Status> {
        let who = self.calls.identify(&request).await;
        let who = who.map_err(|error| error.status(&ErrorScope::default()))?;
        let (out, answers) = mpsc::channel(OUT_MAX);
        let number = self.streams.fetch_add(1, Ordering::Relaxed);
        let stream = QuotaStream::new(self.calls.clone(), who, Arc::clone(&self.domains), number, out);
        tokio::spawn(stream.serve(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}
