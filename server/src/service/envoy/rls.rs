//! RLS: `envoy.service.ratelimit.v3.RateLimitService`.

use super::answer::answer;
use super::decide::Asking;
use super::taken::Takes;
use crate::convert::envoy::descriptors;
use crate::domains::Domains;
use crate::error::{Error, FieldError};
use crate::leases::LeaseRouter;
use crate::service::deadline;
use crate::service::gate::Gate;
use crate::service::lease_calls::LeaseCalls;
use crate::status::ErrorScope;
use apportion_core::time::Span;
use apportion_envoy::ratelimit::rate_limit_service_server::RateLimitService;
use apportion_envoy::ratelimit::{RateLimitRequest, RateLimitResponse};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};

/// The longest time that an answer may be on its way to Envoy, and the part of Envoy's timeout that it may take at most, by which it is
/// divided.
const WAY_BACK: (Span, u64) = (Span::from_ms(10), 4);

/// The service that Envoy asks about each request.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitCalls {
    calls: LeaseCalls,
    domains: Arc<Domains>,
    takes: Arc<Takes>,
}

impl RateLimitCalls {
    /// The service of these domains, and of leases behind a gate.
    pub(crate) fn new(leases: LeaseRouter, gate: Arc<Gate>, domains: Arc<Domains>) -> Self {
        Self { calls: LeaseCalls::new(leases, gate), domains, takes: Arc::default() }
    }

    async fn decided(&self, request: &Request<RateLimitRequest>) -> Result<RateLimitResponse, Error> {
        let timeout = deadline::of_call(request.metadata().as_ref());
        let answer_by = timeout.map(|timeout| Instant::now() + patience(timeout));
        let who = self.calls.identify(request).await?;
        let message = request.get_ref();
        if message.domain.is_empty() {
            return Err(FieldError::missing("domain").into());
        }
        let domain = self.domains.find(&message.domain).ok_or(Error::UnknownDomain)?;
        let asked = descriptors(&domain, message)?;
        let asking = Asking {
            calls: &self.calls,
            takes: &self.takes,
            who: &who,
            domain_id: &message.domain,
            domain: &domain,
            answer_by,
        };
        let decisions = asking.decide(asked).await?;
        Ok(answer(&decisions, self.calls.leases.primary_limit(&domain.workspace).as_ref()))
    }
}

#[tonic::async_trait]
impl RateLimitService for RateLimitCalls {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let decided = self.decided(&request).await;
        decided.map(Response::new).map_err(|error| error.status(&ErrorScope::default()))
    }
}

/// How long a call with this timeout may take here: Envoy's own is 20 ms unless its configuration says otherwise, and an answer that
/// comes later is none, which may let the request pass.
fn patience(timeout: Span) -> Duration {
    let (longest, part) = WAY_BACK;
    let way_back = longest.min(Span::from_ns(timeout.as_ns() / part));
    Duration::from_nanos(timeout.less(way_back).as_ns())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_timeout_is_kept_for_the_way_back() {
        assert_eq!(patience(Span::from_ms(20)), Duration::from_millis(15));
        assert_eq!(patience(Span::from_secs(1)), Duration::from_millis(990));
        assert_eq!(patience(Span::ZERO), Duration::ZERO);
    }
}
