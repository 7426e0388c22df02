//! A shard's record as bytes: a version, then protobuf. What is read is checked as if anybody had written it.

use super::format;
use apportion_core::facts::{Basis, Learnt, PhaseInterval};
use apportion_core::ids::{LimitId, NameError, NodeId, WorkspaceId};
use apportion_core::ledger::{
    ACCOUNTS_MAX, Account, Entry, LEARNT_MAX, MARKS_MAX, Mark, MarkKey, ShardRecord, Spent,
};
use apportion_core::permits::Permits;
use apportion_core::policy::LIMITS_MAX;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use prost::Message;
use std::collections::BTreeMap;
use thiserror::Error;

/// The version of the bytes that this program writes. An older one is read as well; a newer one is refused.
const VERSION: u8 = 2;
/// The version without accounts.
const WITHOUT_ACCOUNTS: u8 = 1;

/// Why bytes are no record.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// There is not a single byte.
    #[error("the record is empty")]
    Empty,
    /// A newer program wrote it.
    #[error("the record has version {found}, this program knows versions up to {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// It is not protobuf.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
    /// A name that nothing may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A number of permits that is too large.
    #[error("{0} permits are too many")]
    Permits(u32),
    /// A number of another length than 16 bytes.
    #[error("a number of {0} bytes stands where one of 16 belongs")]
    Number(usize),
    /// The same mark or limit stands twice.
    #[error("{0} stands in the record twice")]
    Twice(String),
    /// More than a record holds.
    #[error("the record has more than {0} entries of a kind")]
    TooMany(usize),
}

impl From<prost::DecodeError> for RecordError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// What the keys of records start with.
pub(super) const PREFIX: &str = "shard/";

/// The key of a shard's record.
pub fn key(shard: u16) -> String {
    format!("{PREFIX}{shard:04}")
}

/// The record as bytes.
pub fn encode(record: &ShardRecord) -> Vec<u8> {
    let message = format::Shard {
        epoch: record.epoch,
        owner: record.owner.to_string(),
        nonce: record.nonce.to_be_bytes().into(),
        incarnation: record.incarnation.to_be_bytes().into(),
        spent_before: record.spent_before.as_ns(),
        limits: limits(record),
        known_from: record.known_from.as_ns(),
        accounts: record.accounts.iter().map(account_message).collect(),
    };
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    bytes.extend(message.encode_to_vec());
    bytes
}

/// Marks and what was learnt, put together by limit.
fn limits(record: &ShardRecord) -> Vec<format::Limit> {
    let mut limits: BTreeMap<(&str, &str), format::Limit> = BTreeMap::new();
    let empty = |workspace: &WorkspaceId, limit: &LimitId| format::Limit {
        workspace: workspace.to_string(),
        limit: limit.to_string(),
        ..format::Limit::default()
    };
    for (MarkKey { workspace, limit, window_start }, mark) in &record.marks {
        let known = limits.entry((workspace.as_str(), limit.as_str()));
        known.or_insert_with(|| empty(workspace, limit)).marks.push(format::Mark {
            window_start: window_start.as_ns(),
            window_end: mark.window_end.as_ns(),
            hi: mark.hi.get(),
            known: mark.known.get(),
            life: mark.life,
            booked: mark.booked.get(),
            is_exhausted: mark.is_exhausted,
        });
    }
    for ((workspace, limit), learnt) in &record.learnt {
        let known = limits.entry((workspace.as_str(), limit.as_str()));
        known.or_insert_with(|| empty(workspace, limit)).learnt = Some(learnt_message(learnt));
    }
    limits.into_values().collect()
}

fn learnt_message(learnt: &Learnt) -> format::Learnt {
    // Taken apart by name: a new field does not compile until it is kept too.
    let Learnt { permits, phase, cooldown_until, others, basis } = *learnt;
    format::Learnt {
        basis: basis.map(|Basis { permits, window, phase, created_at }| format::Basis {
            permits: permits.get(),
            window: window.as_ns(),
            phase: phase.as_ns(),
            created_at: created_at.as_ns(),
        }),
        permits: permits.map(Permits::get),
        phase: phase.map(|PhaseInterval { least, spread }| format::Phase {
            least: least.as_ns(),
            spread: spread.as_ns(),
        }),
        cooldown_until: cooldown_until.map(Timestamp::as_ns),
        others: others.get(),
    }
}

fn account_message((workspace, account): (&WorkspaceId, &Account)) -> format::Account {
    let Account { shape, former, past, exhausted } = account;
    let entries = |entries: &[Entry]| {
        let entry = |&Entry { spent: Spent { from, until, permits }, life }: &Entry| format::Entry {
            from: from.as_ns(),
            until: until.as_ns(),
            permits: permits.get(),
            life,
        };
        entries.iter().map(entry).collect()
    };
    let windows = |(limit, grid): &(LimitId, Grid)| format::Windows {
        limit: limit.to_string(),
        length: grid.length().as_ns(),
        phase: Some(format::Phase { least: grid.phase().as_ns(), spread: grid.spread().as_ns() }),
    };
    format::Account {
        workspace: workspace.to_string(),
        shape: shape.iter().map(windows).collect(),
        former: entries(former),
        past: entries(past),
        exhausted: entries(exhausted),
    }
}

/// The record that the bytes hold.
///
/// # Errors
/// [`RecordError`] where they hold none.
pub fn decode(bytes: &[u8]) -> Result<ShardRecord, RecordError> {
    let (&version, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if version != VERSION && version != WITHOUT_ACCOUNTS {
        return Err(RecordError::Version { found: version });
    }
    let message = format::Shard::decode(bytes)?;
    let mut record = ShardRecord::first(
        NodeId::new(&message.owner)?,
        number(&message.nonce)?,
        number(&message.incarnation)?,
    );
    record.epoch = message.epoch;
    record.known_from = Timestamp::from_ns(message.known_from);
    record.spent_before = Timestamp::from_ns(message.spent_before);
    for limit in message.limits {
        take(limit, &mut record)?;
    }
    for account in message.accounts {
        take_account(account, &mut record)?;
    }
    if version == WITHOUT_ACCOUNTS {
        upgrade(&mut record);
    }
    Ok(record)
}

/// Makes a record without accounts one of this version. Nobody wrote down where windows lay, so what the marks of the shortest ones
/// stand for goes into accounts; nor of what limits something was learnt, so that is learnt again.
fn upgrade(record: &mut ShardRecord) {
    let length = |key: &MarkKey, mark: &Mark| mark.window_end.since(key.window_start);
    let mut shortest: BTreeMap<WorkspaceId, (Span, LimitId)> = BTreeMap::new();
    for (key, mark) in &record.marks {
        let this = (length(key, mark), key.limit.clone());
        let known = shortest.entry(key.workspace.clone()).or_insert_with(|| this.clone());
        *known = this.min(known.clone());
    }
    for (key, mark) in std::mem::take(&mut record.marks) {
        if shortest.get(&key.workspace).is_some_and(|(_, limit)| *limit == key.limit) {
            let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
            record.accounts.entry(key.workspace).or_default().former.push(spent.into());
        }
    }
    for learnt in record.learnt.values_mut() {
        learnt.basis = Some(Basis::default());
    }
}

/// Takes one account into the record.
fn take_account(message: format::Account, record: &mut ShardRecord) -> Result<(), RecordError> {
    let workspace = WorkspaceId::new(&message.workspace)?;
    if record.accounts.len() > ACCOUNTS_MAX {
        return Err(RecordError::TooMany(ACCOUNTS_MAX));
    }
    if message.shape.len() > LIMITS_MAX {
        return Err(RecordError::TooMany(LIMITS_MAX));
    }
    let shape = message.shape.into_iter().map(|format::Windows { limit, length, phase }| {
        let format::Phase { least, spread } = phase.unwrap_or_default();
        let [length, least, spread] = [length, least, spread].map(Span::from_ns);
        Ok((LimitId::new(&limit)?, Grid::within(length, least, spread)))
    });
    let account = Account {
        shape: shape.collect::<Result<_, RecordError>>()?,
        former: entries(message.former)?,
        past: entries(message.past)?,
        exhausted: entries(message.exhausted)?,
    };
    match record.accounts.insert(workspace.clone(), account) {
        Some(_) => Err(RecordError::Twice(format!("the account of {workspace}"))),
        None => Ok(()),
    }
}

fn entries(messages: Vec<format::Entry>) -> Result<Vec<Entry>, RecordError> {
    let entry = |format::Entry { from, until, permits: count, life }| {
        let (from, until) = (Timestamp::from_ns(from), Timestamp::from_ns(until));
        Ok(Entry { spent: Spent { from, until, permits: permits(count)? }, life })
    };
    messages.into_iter().map(entry).collect()
}

/// Takes one limit into the record.
fn take(message: format::Limit, record: &mut ShardRecord) -> Result<(), RecordError> {
    let (workspace, limit) = (WorkspaceId::new(&message.workspace)?, LimitId::new(&message.limit)?);
    if record.marks.len() + message.marks.len() > MARKS_MAX {
        return Err(RecordError::TooMany(MARKS_MAX));
    }
    for mark in message.marks {
        let window_start = Timestamp::from_ns(mark.window_start);
        let key = MarkKey { workspace: workspace.clone(), limit: limit.clone(), window_start };
        let mark = Mark {
            window_end: Timestamp::from_ns(mark.window_end),
            hi: permits(mark.hi)?,
            known: permits(mark.known)?,
            life: mark.life,
            booked: permits(mark.booked)?,
            is_exhausted: mark.is_exhausted,
        };
        if record.marks.insert(key, mark).is_some() {
            return Err(RecordError::Twice(format!("a mark of {workspace} {limit}")));
        }
    }
    let Some(message) = message.learnt else { return Ok(()) };
    if record.learnt.len() >= LEARNT_MAX {
        return Err(RecordError::TooMany(LEARNT_MAX));
    }
    let twice = format!("what was learnt of {workspace} {limit}");
    match record.learnt.insert((workspace, limit), learnt(message)?) {
        Some(_) => Err(RecordError::Twice(twice)),
        None => Ok(()),
    }
}

fn learnt(message: format::Learnt) -> Result<Learnt, RecordError> {
    Ok(Learnt {
        permits: message.permits.map(permits).transpose()?,
        phase: message.phase.map(|phase| PhaseInterval {
            least: Span::from_ns(phase.least),
            spread: Span::from_ns(phase.spread),
        }),
        cooldown_until: message.cooldown_until.map(Timestamp::from_ns),
        others: permits(message.others)?,
        basis: message.basis.map(basis).transpose()?,
    })
}

fn basis(message: format::Basis) -> Result<Basis, RecordError> {
    Ok(Basis {
        permits: permits(message.permits)?,
        window: Span::from_ns(message.window),
        phase: Span::from_ns(message.phase),
        created_at: Timestamp::from_ns(message.created_at),
    })
}

fn permits(count: u32) -> Result<Permits, RecordError> {
    Permits::new(count).ok_or(RecordError::Permits(count))
}

fn number(bytes: &[u8]) -> Result<u128, RecordError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| RecordError::Number(bytes.len()))
}

#[cfg(test)]
mod tests;
