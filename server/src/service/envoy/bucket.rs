//! One bucket of one Envoy, window after window: acquires leases for what it needs, and assigns their permits at once.
//!
//! An assignment cannot be taken back, and how much of the last one is left is not known. So a bucket is assigned once when a window opens,
//! and again in the same window only once the last assignment must be used up. Each is as much as the leases that were acquired for it,
//! and ends before they do. Nothing is settled: what is not used is spent.

use super::assignment::{BucketKey, tokens, whole_seconds};
use super::demand::BucketDemand;
use super::lessee::{Lessee, is_unknown};
use crate::convert::domain::DomainPolicy;
use crate::convert::envoy::Described;
use crate::domains::Domains;
use crate::error::Error;
use crate::service::authorize::Identity;
use crate::service::lease_calls::LeaseCalls;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::LimitPolicy;
use apportion_core::time::Span;
use apportion_envoy::quota::RateLimitQuotaResponse;
use apportion_proto::v1;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tonic::Status;

/// For how long an assignment may be on its way to Envoy, which counts from when it comes.
const ON_ITS_WAY: Duration = Duration::from_millis(100);
/// The least time that Envoy takes an assignment for.
const SHORTEST: Duration = Duration::from_secs(1);
/// The pause between two assignments in one window, at least: each is a message to Envoy.
const BETWEEN: Duration = Duration::from_millis(250);
/// For how long leases are gathered for one assignment.
const GATHER: Duration = Duration::from_millis(100);
/// How long after a window may be granted from its first lease is requested: before, it could be an edge permit, which ends too soon.
const AFTER_OPENING: Duration = Duration::from_millis(5);
/// The pauses before a refused request is made again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What a bucket needs to be served.
pub(super) struct Bucket {
    pub(super) calls: LeaseCalls,
    pub(super) who: Arc<Identity>,
    pub(super) domains: Arc<Domains>,
    pub(super) domain_id: String,
    pub(super) key: BucketKey,
    pub(super) whom: Described,
    /// The caller of a bucket that names none: one for each stream, so that Envoys share the part of a team equally.
    pub(super) own_caller: CallerId,
    pub(super) demand: watch::Receiver<BucketDemand>,
    /// How many permits were assigned, in all.
    pub(super) assigned: Arc<AtomicU64>,
    pub(super) out: mpsc::Sender<Result<RateLimitQuotaResponse, Status>>,
}

/// The permits of leases that were acquired together.
struct Gathered {
    /// The name of each lease, and how many permits it has.
    leases: Vec<(String, u32)>,
    /// When the first of them ends.
    ends: Instant,
    /// When the window ends.
    window_ends: Instant,
}

/// The stream of the bucket is closed, or its domain is no more.
struct Ended;

impl Gathered {
    fn permits(&self) -> u32 {
        self.leases.iter().map(|(_, permits)| permits).sum()
    }
}

impl Bucket {
    /// Serves the bucket until its stream ends.
    pub(super) async fn serve(self) {
        let mut turn = false;
        while let Ok(at) = self.window(&mut turn).await {
            tokio::select! {
                () = self.out.closed() => return,
                () = tokio::time::sleep_until(at.into()) => {}
            }
        }
    }

    /// Assigns what the bucket needs in one window. Returns when to begin with the next.
    async fn window(&self, turn: &mut bool) -> Result<Instant, Ended> {
        let domain = self.domains.find(&self.domain_id).ok_or(Ended)?;
        let limit = self.calls.leases.primary_limit(&domain.workspace).ok_or(Ended)?;
        let (team, mut gathered) = match self.first(&domain, &limit).await {
            Ok(first) => first,
            Err(error) => return Ok(Instant::now() + pause(&error)),
        };
        let lessee = self.lessee(&domain, &team);
        let opens = gathered.window_ends + to_duration(limit.margins.start) + AFTER_OPENING;
        let last = gathered.ends.checked_sub(SHORTEST + ON_ITS_WAY).unwrap_or(gathered.ends);
        let mut all = 0;
        while let Some(permits) = self.assign(&lessee, gathered, turn).await? {
            all += permits;
            // More is assigned once that must be used up; where it is not known how long it lasts, nothing more is.
            let lasts = self.demand.borrow().lasts(permits).map(to_duration);
            let Some(again) = lasts.map(|lasts| Instant::now() + lasts.max(BETWEEN)) else { break };
            let needed = self.needed(&limit).less(Permits::clamped(all.into()));
            if needed.is_zero() || again >= last {
                break;
            }
            tokio::time::sleep_until(again.into()).await;
            match self.gather(&lessee, needed, span(last.saturating_duration_since(Instant::now()))).await {
                Ok(more) => gathered = more,
                Err(_) => break,
            }
        }
        Ok(opens)
    }

    /// Acquires what the bucket needs at first, for the team that it names, or for the default team where that is not known.
    async fn first(&self, domain: &DomainPolicy, limit: &LimitPolicy) -> Result<(TeamId, Gathered), Error> {
        let default = (!domain.refuse_unknown).then_some(&domain.default_team);
        for team in self.whom.team.iter().chain(default) {
            match self.gather(&self.lessee(domain, team), self.needed(limit), limit.window).await {
                Err(error) if is_unknown(&error) => {}
                gathered => return Ok((team.clone(), gathered?)),
            }
        }
        Err(Error::UnknownTeam)
    }

    /// What the bucket needs in a window.
    fn needed(&self, limit: &LimitPolicy) -> Permits {
        self.demand.borrow().permits(limit.window, limit.permits)
    }

    /// Acquires up to so many permits: waits for the first, and takes what more can be had soon.
    async fn gather(&self, lessee: &Lessee<'_>, most: Permits, max_wait: Span) -> Result<Gathered, Error> {
        let mut sent = Instant::now();
        let mut lease = lessee.acquire((Permits::ONE, most), max_wait, None).await?;
        let window_ends = instant(sent, &lease, lease.until_window_end.as_ref());
        let mut gathered = Gathered { leases: Vec::new(), ends: window_ends, window_ends };
        let until = Instant::now() + GATHER;
        loop {
            gathered.ends = gathered.ends.min(instant(sent, &lease, lease.valid_for.as_ref()));
            gathered.leases.push((lease.lease_id, lease.permits));
            let more = most.less(Permits::clamped(gathered.permits().into()));
            if more.is_zero() || Instant::now() >= until {
                return Ok(gathered);
            }
            sent = Instant::now();
            match lessee.acquire((Permits::ONE, more), Span::ZERO, None).await {
                Ok(another) => lease = another,
                Err(_) => return Ok(gathered),
            }
        }
    }

    /// Sends permits to Envoy, for as long as they last. Returns how many; none where they end too soon, and go back.
    async fn assign(
        &self,
        lessee: &Lessee<'_>,
        gathered: Gathered,
        turn: &mut bool,
    ) -> Result<Option<u32>, Ended> {
        let left = gathered.ends.saturating_duration_since(Instant::now() + ON_ITS_WAY);
        let Some(seconds) = whole_seconds(span(left)) else {
            for (lease_id, permits) in &gathered.leases {
                lessee.give_back(lease_id, *permits, *permits).await;
            }
            return Ok(None);
        };
        *turn = !*turn;
        let permits = gathered.permits();
        self.assigned.fetch_add(permits.into(), Ordering::Relaxed);
        self.out.send(Ok(tokens(&self.key, permits, seconds, *turn))).await.map_err(|_| Ended)?;
        Ok(Some(permits))
    }

    fn lessee<'a>(&'a self, domain: &'a DomainPolicy, team: &'a TeamId) -> Lessee<'a> {
        let (workspace, priority) = (&domain.workspace, self.whom.priority);
        let caller = if self.whom.names_caller() { &self.whom.caller } else { &self.own_caller };
        Lessee { calls: &self.calls, who: &self.who, workspace, team, caller, priority }
    }
}

/// An instant that a lease states as a time from its grant, for a request that was sent then.
fn instant(sent: Instant, lease: &v1::Lease, from_grant: Option<&prost_types::Duration>) -> Instant {
    let span = |span: Option<&prost_types::Duration>| {
        span.and_then(|span| Duration::try_from(*span).ok()).unwrap_or_default()
    };
    sent + span(lease.held.as_ref()) + span(from_grant)
}

fn pause(error: &Error) -> Duration {
    let (least, most) = PAUSE;
    error.retry_after().map_or(most, to_duration).clamp(least, most)
}

fn to_duration(span: Span) -> Duration {
    Duration::from_nanos(span.as_ns())
}

fn span(duration: Duration) -> Span {
    Span::from_ns(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}
