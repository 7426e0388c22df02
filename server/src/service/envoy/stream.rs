//! One stream of RLQS: reads reports, and keeps a task for each bucket.

use super::assignment::{BucketKey, abandoned, nothing};
use super::bucket::Bucket;
use super::demand::BucketDemand;
use crate::convert::domain::DomainPolicy;
use crate::convert::envoy::{ReportedUse, described, reported};
use crate::domains::Domains;
use crate::error::{Error, FieldError};
use crate::service::authorize::Identity;
use crate::service::gate;
use crate::service::lease_calls::LeaseCalls;
use crate::status::ErrorScope;
use apportion_core::ids::CallerId;
use apportion_core::time::Span;
use apportion_envoy::quota::rate_limit_quota_usage_reports::BucketQuotaUsage;
use apportion_envoy::quota::{RateLimitQuotaResponse, RateLimitQuotaUsageReports};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tonic::{Status, Streaming};

/// Most buckets of one stream.
const BUCKETS_MAX: usize = 256;
/// For how long a bucket beyond that is denied, in seconds.
const DENIED_S: u32 = 10;
/// How many reports in a row without a request end a bucket.
const IDLE_REPORTS: u32 = 12;

/// A stream that is served.
pub(super) struct QuotaStream {
    calls: LeaseCalls,
    who: Arc<Identity>,
    domains: Arc<Domains>,
    /// The caller of buckets that name none.
    own_caller: CallerId,
    domain_id: Option<String>,
    buckets: BTreeMap<BucketKey, Serving>,
    has_warned: bool,
    out: mpsc::Sender<Result<RateLimitQuotaResponse, Status>>,
}

/// A bucket with its task.
struct Serving {
    demand: watch::Sender<BucketDemand>,
    assigned: Arc<AtomicU64>,
    /// When its last report came.
    reported_at: Option<Instant>,
    idle_reports: u32,
    task: AbortHandle,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl QuotaStream {
    pub(super) fn new(
        calls: LeaseCalls,
        who: Arc<Identity>,
        domains: Arc<Domains>,
        number: u64,
        out: mpsc::Sender<Result<RateLimitQuotaResponse, Status>>,
    ) -> Self {
        let own_caller =
            CallerId::new(&format!("envoy-{number}")).unwrap_or_else(|_| unreachable!("it is a name"));
        let (domain_id, buckets, has_warned) = (None, BTreeMap::new(), false);
        Self { calls, who, domains, own_caller, domain_id, buckets, has_warned, out }
    }

    /// Serves the stream until it ends, or its credential does. What was assigned stays assigned until its end.
    pub(super) async fn serve(mut self, mut reports: Streaming<RateLimitQuotaUsageReports>) {
        let who = Arc::clone(&self.who);
        let clock = self.calls.clone();
        let failed = tokio::select! {
            () = who.ended(|| clock.leases.clock().now()) => Some(gate::ENDED),
            failed = self.read(&mut reports) => failed.err(),
        };
        if let Some(error) = failed {
            let _ = self.out.send(Err(error.status(&ErrorScope::default()))).await;
        }
    }

    async fn read(&mut self, reports: &mut Streaming<RateLimitQuotaUsageReports>) -> Result<(), Error> {
        while let Ok(Some(report)) = reports.message().await {
            let id = self.domain_id.get_or_insert(report.domain).clone();
            if id.is_empty() {
                return Err(FieldError::missing("domain").into());
            }
            let domain = self.domains.find(&id).ok_or(Error::UnknownDomain)?;
            for (place, usage) in report.bucket_quota_usages.into_iter().enumerate() {
                self.take(&domain, &id, usage)
                    .await
                    .map_err(|error| error.under(&format!("bucket_quota_usages[{place}]")))?;
            }
            self.warn_of_permissive(&id);
        }
        Ok(())
    }

    /// Takes the report of one bucket.
    async fn take(
        &mut self,
        domain: &DomainPolicy,
        id: &str,
        usage: BucketQuotaUsage,
    ) -> Result<(), FieldError> {
        let ReportedUse { bucket: key, allowed, denied } = reported(usage)?;
        if !self.buckets.contains_key(&key) {
            if self.buckets.len() >= BUCKETS_MAX {
                tracing::warn!(
                    domain = id,
                    "an Envoy has more than {BUCKETS_MAX} buckets: the others are denied"
                );
                let _ = self.out.send(Ok(nothing(&key, DENIED_S))).await;
                return Ok(());
            }
            let serving = self.start(domain, id, key.clone());
            self.buckets.insert(key.clone(), serving);
        }
        let Some(serving) = self.buckets.get_mut(&key) else { return Ok(()) };
        let now = Instant::now();
        let elapsed = serving.reported_at.replace(now).map_or(Duration::ZERO, |before| now - before);
        let elapsed = Span::from_ns(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
        serving.demand.send_modify(|demand| *demand = demand.after(allowed, denied, elapsed));
        serving.idle_reports = if serving.demand.borrow().is_idle() { serving.idle_reports + 1 } else { 0 };
        if serving.idle_reports >= IDLE_REPORTS {
            self.buckets.remove(&key);
            let _ = self.out.send(Ok(abandoned(&key))).await;
        }
        Ok(())
    }

    fn start(&self, domain: &DomainPolicy, id: &str, key: BucketKey) -> Serving {
        let (demand, of_task) = watch::channel(BucketDemand::default());
        let assigned = Arc::new(AtomicU64::new(0));
        let whom = described(domain, key.iter().map(|(key, value)| (&**key, &**value)));
        let bucket = Bucket {
            calls: self.calls.clone(),
            who: Arc::clone(&self.who),
            domains: Arc::clone(&self.domains),
            domain_id: id.to_owned(),
            key,
            whom,
            own_caller: self.own_caller.clone(),
            demand: of_task,
            assigned: Arc::clone(&assigned),
            out: self.out.clone(),
        };
        let task = tokio::spawn(bucket.serve()).abort_handle();
        Serving { demand, assigned, reported_at: None, idle_reports: 0, task }
    }

    /// Says once in the log that an Envoy lets more pass than was assigned to it.
    fn warn_of_permissive(&mut self, domain: &str) {
        let is_more =
            |serving: &Serving| serving.demand.borrow().allowed > serving.assigned.load(Ordering::Relaxed);
        if !self.has_warned && self.buckets.values().any(is_more) {
            self.has_warned = true;
            tracing::warn!(
                domain,
                caller = self.who.name,
                "an Envoy lets more requests pass than were assigned to it: without an assignment, and after one, its buckets must deny \
                 all (no_assignment_behavior, expired_assignment_behavior)"
            );
        }
    }
}
