//! The reports that wait to be sent: merged by lease, until one of them is due. A function of now.

use super::report::{LeaseReport, Urgency};
use crate::backoff::Backoff;
use crate::clock::BootInstant;
use apportion_proto::v1::SettleLeaseRequest;
use prost::Message;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The most leases whose reports wait. Further ones are dropped, and the permits that they return are spent.
const WAITING_MAX: usize = 100_000;
/// The most requests of one call, as the API allows.
const REQUESTS_MAX: usize = 1_000;
/// The largest call, well below the 1 MiB that a server accepts unless it is configured otherwise.
const BYTES_MAX: usize = 512 << 10;

/// The reports of one call, with the requests of each.
#[derive(Debug, Default)]
pub(super) struct ReportBatch {
    pub(super) reports: Vec<(LeaseReport, usize)>,
    pub(super) requests: Vec<SettleLeaseRequest>,
}

/// The waiting reports, oldest first.
#[derive(Debug)]
pub(super) struct PendingReports {
    reports: BTreeMap<u64, LeaseReport>,
    by_lease: HashMap<String, u64>,
    next: u64,
    /// When the first of them is due.
    due_at: Option<BootInstant>,
    /// Not before then, because the last call failed.
    paused_until: BootInstant,
    backoff: Backoff,
    /// The most requests of the next call: fewer after a call was refused as a whole.
    requests_max: usize,
}

impl PendingReports {
    pub(super) fn new() -> Self {
        Self {
            reports: BTreeMap::new(),
            by_lease: HashMap::new(),
            next: 0,
            due_at: None,
            paused_until: BootInstant::from_nanos(0),
            backoff: Backoff::new(),
            requests_max: REQUESTS_MAX,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Adds a report. Returns false if there are too many.
    pub(super) fn add(&mut self, now: BootInstant, report: LeaseReport, urgency: Urgency) -> bool {
        let due_at = now.after(urgency.linger());
        if let Some(waiting) =
            self.by_lease.get(&report.request.lease_id).and_then(|at| self.reports.get_mut(at))
        {
            waiting.merge(report);
        } else if self.reports.len() < WAITING_MAX {
            self.insert(report);
        } else {
            return false;
        }
        self.due_at = Some(self.due_at.map_or(due_at, |due| due.min(due_at)));
        true
    }

    fn insert(&mut self, report: LeaseReport) {
        self.by_lease.insert(report.request.lease_id.clone(), self.next);
        self.reports.insert(self.next, report);
        self.next += 1;
    }

    /// Makes all reports due at once.
    pub(super) fn flush(&mut self, now: BootInstant) {
        if !self.is_empty() {
            self.due_at = Some(now);
            self.paused_until = now;
        }
    }

    /// When the next call is due; none if nothing waits.
    pub(super) fn due_at(&self) -> Option<BootInstant> {
        self.due_at.map(|due| due.max(self.paused_until))
    }

    /// Takes the reports of the next call, if it is due. The rest stays due.
    pub(super) fn take(&mut self, now: BootInstant) -> Option<ReportBatch> {
        self.due_at().filter(|due| *due <= now)?;
        let mut batch = ReportBatch::default();
        let mut bytes = 0;
        while let Some(entry) = self.reports.first_entry() {
            let requests = entry.get().requests(now);
            bytes += requests.iter().map(|request| request.encoded_len() + 8).sum::<usize>();
            let is_full =
                batch.requests.len() + requests.len() > self.requests_max.max(1) || bytes > BYTES_MAX;
            if is_full && !batch.requests.is_empty() {
                break;
            }
            let report = entry.remove();
            self.by_lease.remove(&report.request.lease_id);
            batch.reports.push((report, requests.len()));
            batch.requests.extend(requests);
        }
        if self.is_empty() {
            self.due_at = None;
        }
        Some(batch)
    }

    /// Notes that a call was answered.
    pub(super) fn answered(&mut self) {
        self.backoff = Backoff::new();
        self.requests_max = REQUESTS_MAX;
    }

    /// Notes that a call was refused as a whole. Returns whether fewer requests at once may help.
    pub(super) fn refused(&mut self, requests: usize) -> bool {
        self.requests_max = (requests / 2).max(1);
        requests > 1
    }

    /// Pauses after a failed call, for at least `min`.
    pub(super) fn pause(&mut self, now: BootInstant, min: Duration) {
        self.paused_until = now.after(self.backoff.next(min));
    }

    /// Puts back reports that were not accepted, unless they are useless by now. Later reports of the same leases win.
    /// Returns how many are given up.
    pub(super) fn put_back(&mut self, now: BootInstant, reports: Vec<LeaseReport>) -> usize {
        let mut given_up = 0;
        for mut report in reports {
            if report.is_useless(now) {
                given_up += 1;
                continue;
            }
            let waiting = self.by_lease.get(&report.request.lease_id).copied();
            match waiting.and_then(|at| self.reports.remove(&at)) {
                Some(later) => report.merge(later),
                None if self.reports.len() >= WAITING_MAX => {
                    given_up += 1;
                    continue;
                }
                None => {}
            }
            self.insert(report);
            self.due_at = Some(now);
        }
        given_up
    }
}

#[cfg(test)]
mod tests;
