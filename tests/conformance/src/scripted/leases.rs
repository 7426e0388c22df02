//! The leases of all servers of a case: what was granted, until when, and what was reported of it. Checks reports as the contract
//! does, on its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use apportion_proto::v1::{self, Reason};

/// One lease.
#[derive(Clone, Debug)]
pub struct GrantedLease {
    /// The name of the server that granted it.
    pub server: String,
    /// Its permits.
    pub permits: u32,
    /// When the attempt arrived that was granted first: nothing can have been sent under it before.
    pub arrived: Instant,
    /// When the last attempt arrived that was answered with it. A client counts from its sending, which was earlier.
    pub last_arrived: Instant,
    /// How long after the sending of an attempt it ends, by the answer to the last one.
    pub lasts: Duration,
    /// When it was granted, and how long it is valid from then on.
    granted: Instant,
    valid_for: Duration,
    /// The last counts that were reported.
    pub used: u32,
    /// Those returned, in time or not.
    pub returned: u32,
    /// Those returned in time.
    pub returned_in_time: u32,
    /// Whether the last report was final.
    pub is_final: bool,
    /// Who it was granted to.
    owner: [String; 3],
}

impl GrantedLease {
    /// When it ends by this machine's clock, at the latest.
    pub fn end(&self) -> Instant {
        self.last_arrived + self.lasts
    }

    /// Whether every permit is accounted for: a final report came, or all are used or returned.
    pub fn is_settled(&self) -> bool {
        self.is_final || self.used + self.returned >= self.permits
    }
}

/// All leases of a case.
#[derive(Debug, Default)]
pub struct Leases {
    by_id: HashMap<String, GrantedLease>,
    by_request: HashMap<[String; 4], String>,
    order: Vec<String>,
}

/// What became of a report.
pub(super) type Outcome = Result<v1::Settled, v1::Refusal>;

impl Leases {
    /// The leases in the order of granting.
    pub fn all(&self) -> impl Iterator<Item = &GrantedLease> {
        self.order.iter().map(|id| &self.by_id[id])
    }

    /// The lease that was granted under the request id of a message, with times for an attempt that arrived then; none if there is
    /// none or it has ended.
    pub(super) fn repeated(&mut self, ask: &v1::AcquireLeaseRequest, arrived: Instant) -> Option<v1::Lease> {
        let id = self.by_request.get(&key(ask))?.clone();
        let lease = self.by_id.get_mut(&id)?;
        let held = lease.granted.saturating_duration_since(arrived);
        let left = (lease.granted + lease.valid_for).checked_duration_since(Instant::now())?;
        lease.last_arrived = arrived;
        lease.lasts = held + left;
        Some(message(&id, lease.permits, held, left, false))
    }

    /// Grants a lease.
    pub(super) fn grant(
        &mut self,
        server: &str,
        ask: &v1::AcquireLeaseRequest,
        arrived: Instant,
        terms: &Terms,
    ) -> v1::Lease {
        let id = format!("{server}-{}", self.order.len());
        let permits = terms.permits.min(ask.permits.unwrap_or(1));
        let lease = GrantedLease {
            server: server.into(),
            permits,
            arrived,
            last_arrived: arrived,
            lasts: terms.held + terms.valid_for,
            granted: Instant::now(),
            valid_for: terms.valid_for,
            used: 0,
            returned: 0,
            returned_in_time: 0,
            is_final: false,
            owner: owner(&ask.workspace, &ask.team, &ask.caller),
        };
        self.by_id.insert(id.clone(), lease);
        if !ask.request_id.is_empty() {
            self.by_request.insert(key(ask), id.clone());
        }
        self.order.push(id.clone());
        let lease = message(&id, permits, terms.held, terms.valid_for, terms.is_contended);
        v1::Lease { signals_version: terms.signals_version, ..lease }
    }

    /// Books a report, or refuses it as the contract says.
    pub(super) fn settle(&mut self, report: &v1::SettleLeaseRequest) -> Outcome {
        if let Some(field) = malformed(report) {
            return Err(refusal(Reason::Malformed, &field));
        }
        let by = owner(&report.workspace, &report.team, &report.caller);
        let lease = self.by_id.get_mut(&report.lease_id).filter(|lease| lease.owner == by);
        let lease = lease.ok_or_else(|| refusal(Reason::NotYourLease, "lease_id"))?;
        if u64::from(report.used_permits) + u64::from(report.returned_permits) > u64::from(lease.permits) {
            return Err(refusal(Reason::SettledTooMuch, "used_permits"));
        }
        let more = report.returned_permits.saturating_sub(lease.returned);
        let is_open = Instant::now() < lease.end() && !lease.is_final;
        let accepted = if is_open { more } else { 0 };
        lease.returned += more;
        lease.returned_in_time += accepted;
        lease.used = lease.used.max(report.used_permits);
        lease.is_final |= report.is_final;
        Ok(v1::Settled {
            returned_permits: lease.returned_in_time,
            accepted_permits: accepted,
            open: is_open && !lease.is_final,
        })
    }
}

/// What a lease is granted with.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) permits: u32,
    pub(super) held: Duration,
    pub(super) valid_for: Duration,
    pub(super) is_contended: bool,
    pub(super) signals_version: u32,
}

fn message(id: &str, permits: u32, held: Duration, valid_for: Duration, contended: bool) -> v1::Lease {
    let span = |span: Duration| prost_types::Duration::try_from(span).ok();
    v1::Lease {
        lease_id: id.into(),
        permits,
        priority: v1::Priority::Default.into(),
        held: span(held).filter(|held| *held != prost_types::Duration::default()),
        valid_for: span(valid_for),
        until_window_end: span(valid_for + Duration::from_millis(850)),
        contended,
        ..v1::Lease::default()
    }
}

fn refusal(reason: Reason, field: &str) -> v1::Refusal {
    let message = format!("{field}: refused");
    v1::Refusal { reason: reason.into(), message, field: field.into(), ..v1::Refusal::default() }
}

fn key(ask: &v1::AcquireLeaseRequest) -> [String; 4] {
    let [workspace, team, caller] = owner(&ask.workspace, &ask.team, &ask.caller);
    [workspace, team, caller, ask.request_id.clone()]
}

fn owner(workspace: &str, team: &str, caller: &str) -> [String; 3] {
    [workspace, team, caller].map(|id| if id.is_empty() { "default".into() } else { id.to_owned() })
}

/// The first field of a report that the contract does not allow.
fn malformed(report: &v1::SettleLeaseRequest) -> Option<String> {
    if report.lease_id.is_empty() || report.lease_id.len() > 128 {
        return Some("lease_id".into());
    }
    if report.observations.len() > 64 {
        return Some("observations".into());
    }
    let fields = report.observations.iter().enumerate();
    fields.filter_map(|(at, seen)| Some(format!("observations[{at}].{}", bad_field(seen)?))).next()
}

fn bad_field(seen: &v1::Observation) -> Option<&'static str> {
    const HOUR_S: i64 = 3600;
    const YEAR_S: i64 = 366 * 86_400;
    let is_count = |count: Option<u32>| count.is_none_or(|count| count <= 1 << 28);
    let is_span = |span: Option<prost_types::Duration>, most: i64| {
        span.is_none_or(|span| {
            span.seconds >= 0 && span.nanos >= 0 && (span.seconds, span.nanos) <= (most, 0)
        })
    };
    let is_reset = match seen.reset {
        None => true,
        Some(v1::observation::Reset::ResetTime(time)) => (0..=9_214_646_400).contains(&time.seconds),
        Some(v1::observation::Reset::ResetAfter(span)) => is_span(Some(span), YEAR_S),
    };
    let checks = [
        (seen.limit.len() <= 63, "limit"),
        (seen.status == 0 || (100..=599).contains(&seen.status), "status"),
        (is_count(seen.limit_permits), "limit_permits"),
        (is_count(seen.remaining_permits), "remaining_permits"),
        (is_reset, "reset"),
        (is_span(seen.reset_precision, HOUR_S), "reset_precision"),
        (is_span(seen.retry_after, YEAR_S), "retry_after"),
        (is_span(seen.age, HOUR_S), "age"),
    ];
    checks.into_iter().find(|(is_good, _)| !is_good).map(|(_, field)| field)
}
