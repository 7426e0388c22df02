//! What a message is answered with, by the script and the leases. Knows no streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use apportion_proto::v1::{self, Reason};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use super::grpc;
use super::leases::{Leases, Outcome, Terms};
use super::record::Record;
use super::script::{Answer, Fault, Script, next};
use crate::signals;

/// How long a lease is valid unless the script says otherwise.
const VALID_FOR_MS: u64 = 10_000;

/// What all calls of a server share, and its leases, which all servers of a case share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    script: Mutex<Script>,
    record: Mutex<Record>,
    leases: Arc<Mutex<Leases>>,
    /// The addresses of all servers of the case, by name, for hints.
    addresses: Arc<Mutex<HashMap<String, String>>>,
}

/// An acquire that waits for its answer. It was withdrawn if it is dropped before.
pub(super) struct PendingAcquire<'a> {
    shared: &'a Shared,
    is_answered: bool,
}

impl Drop for PendingAcquire<'_> {
    fn drop(&mut self) {
        let mut record = self.shared.record();
        record.waiting -= 1;
        record.withdrawn += u64::from(!self.is_answered);
    }
}

/// A version for the signals of a preset: never 0.
fn version(preset: &str) -> u32 {
    preset.bytes().fold(1, |version: u32, byte| version.wrapping_mul(31).wrapping_add(byte.into())).max(1)
}

/// The answer to an acquire, and what goes wrong with it.
pub(super) struct Decision {
    pub(super) result: Result<v1::Lease, Status>,
    pub(super) fault: Option<Fault>,
}

impl Shared {
    pub(super) fn new(
        name: &str,
        script: Script,
        leases: Arc<Mutex<Leases>>,
        addresses: Arc<Mutex<HashMap<String, String>>>,
    ) -> Self {
        let (script, record) = (Mutex::new(script), Mutex::default());
        Self { name: name.into(), script, record, leases, addresses }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails a call that does not carry the token of the script.
    pub(super) fn authenticate(&self, authorization: Option<&str>) -> Result<(), Status> {
        let Some(token) = self.script().token.clone() else { return Ok(()) };
        if authorization == Some(&format!("Bearer {token}")) {
            return Ok(());
        }
        self.record().unauthenticated += 1;
        Err(grpc::refusal(Reason::Unauthenticated, None))
    }

    /// Answers an acquire, once the script lets it.
    pub(super) async fn acquire(&self, ask: &v1::AcquireLeaseRequest) -> Decision {
        let arrived = Instant::now();
        self.record().acquire(ask);
        let mut pending = PendingAcquire { shared: self, is_answered: false };
        let repeated = self.leases().repeated(ask, arrived);
        if let Some(lease) = repeated {
            pending.is_answered = true;
            return Decision { result: Ok(lease), fault: None };
        }
        let answer = {
            let mut script = self.script();
            next(&mut script.acquires).unwrap_or_else(|| script.otherwise.clone())
        };
        if answer.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
        }
        pending.is_answered = true;
        drop(pending);
        let result = if answer.fault == Some(Fault::Refused) {
            Err(Status::unavailable("never sent"))
        } else {
            self.result(&answer).map(|()| self.grant(ask, arrived, &answer))
        };
        self.record().refused += u64::from(result.is_err());
        Decision { result, fault: answer.fault }
    }

    fn grant(&self, ask: &v1::AcquireLeaseRequest, arrived: Instant, answer: &Answer) -> v1::Lease {
        let held = answer.held_ms.map_or_else(|| arrived.elapsed(), Duration::from_millis);
        let terms = Terms {
            permits: answer.permits.unwrap_or(u32::MAX),
            // What did not wait says so.
            held: if answer.held_ms.is_none() && answer.delay_ms == 0 { Duration::ZERO } else { held },
            valid_for: Duration::from_millis(answer.valid_for_ms.unwrap_or(VALID_FOR_MS)),
            is_contended: answer.contended,
            signals_version: self.script().signals.as_deref().map_or(0, version),
        };
        self.leases().grant(&self.name, ask, arrived, &terms)
    }

    /// The refusal or status of an answer.
    fn result(&self, answer: &Answer) -> Result<(), Status> {
        let retry_after = answer.retry_after_ms.map(Duration::from_millis);
        let mut status = match (&answer.refuse, &answer.status) {
            (None, None) => return Ok(()),
            (Some(reason), _) => grpc::refusal_by_name(reason, retry_after),
            (None, Some(code)) => {
                Status::new(grpc::code_of(code).unwrap_or(Code::Unknown), "from the script")
            }
        };
        let owner = answer.owner.as_ref().map(|name| self.address_of(name));
        if let Some(owner) = owner.and_then(|owner| MetadataValue::try_from(owner).ok()) {
            status.metadata_mut().insert("apportion-owner", owner);
        }
        Err(status)
    }

    /// Where a server of the case listens, as a hint says it.
    fn address_of(&self, name: &str) -> String {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.get(name).cloned().unwrap_or_else(|| name.into())
    }

    /// Answers a call that gets the signals.
    pub(super) fn signals(&self) -> Result<v1::GetSignalsResponse, Status> {
        {
            let mut record = self.record();
            record.calls += 1;
            record.signals_calls += 1;
        }
        let preset = self.script().signals.clone();
        let preset = preset.ok_or_else(|| Status::unimplemented("there are no signals in the script"))?;
        let signals = signals::preset(&preset).map_err(Status::internal)?;
        Ok(v1::GetSignalsResponse { signals: Some(signals), signals_version: version(&preset) })
    }

    /// Answers a call that settles, once the script lets it: one outcome for each report.
    pub(super) async fn settle(
        &self,
        reports: &[v1::SettleLeaseRequest],
    ) -> (Result<Vec<Outcome>, Status>, Option<Fault>) {
        let count = u64::try_from(reports.len()).unwrap_or(u64::MAX);
        let answer = {
            let mut record = self.record();
            record.calls += 1;
            record.settle_calls += 1;
            record.reports += count;
            record.most_reports = record.most_reports.max(count);
            if !(1..=1000).contains(&count) {
                record.malformed.push(format!("a batch of {count} reports"));
            }
            next(&mut self.script().settles).unwrap_or_default()
        };
        if answer.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
        }
        if answer.fault == Some(Fault::Refused) {
            return (Err(Status::unavailable("never sent")), answer.fault);
        }
        let result = self.result(&answer).map(|()| reports.iter().map(|report| self.book(report)).collect());
        (result, answer.fault)
    }

    fn book(&self, report: &v1::SettleLeaseRequest) -> Outcome {
        let outcome = self.leases().settle(report);
        let mut record = self.record();
        match &outcome {
            Ok(_) => record.accepted(report),
            Err(refusal) => record.malformed.push(format!("{refusal:?}")),
        }
        outcome
    }
}
