//! The parts of a record out of messages, each checked.

use super::super::format;
use super::error::RecordError;
use apportion_core::facts::{Basis, Learned, PhaseInterval};
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{
    ACCOUNTS_MAX, Account, AccountEntry, LEARNED_MAX, MARKS_MAX, Mark, MarkKey, ShardRecord, Spent,
};
use apportion_core::permits::Permits;
use apportion_core::policy::LIMITS_MAX;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;

/// Adds an account to the record.
pub(super) fn account(message: format::AccountMessage, record: &mut ShardRecord) -> Result<(), RecordError> {
    let workspace = WorkspaceId::new(&message.workspace)?;
    if record.accounts.len() > ACCOUNTS_MAX {
        return Err(RecordError::TooMany(ACCOUNTS_MAX));
    }
    if message.shape.len() > LIMITS_MAX {
        return Err(RecordError::TooMany(LIMITS_MAX));
    }
    let shape = message.shape.into_iter().map(|format::WindowsMessage { limit, length, phase }| {
        let format::PhaseMessage { least, width } = phase.unwrap_or_default();
        let [length, least, width] = [length, least, width].map(Span::from_ns);
        Ok((LimitId::new(&limit)?, Grid::within(length, least, width)))
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

fn entries(messages: Vec<format::EntryMessage>) -> Result<Vec<AccountEntry>, RecordError> {
    let entry = |format::EntryMessage { from, until, permits: count, life }| {
        let (from, until) = (Timestamp::from_ns(from), Timestamp::from_ns(until));
        Ok(AccountEntry { spent: Spent { from, until, permits: permits(count)? }, life })
    };
    messages.into_iter().map(entry).collect()
}

/// Adds a limit to the record.
pub(super) fn limit(message: format::LimitMessage, record: &mut ShardRecord) -> Result<(), RecordError> {
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
    let Some(message) = message.learned else { return Ok(()) };
    if record.learned.len() >= LEARNED_MAX {
        return Err(RecordError::TooMany(LEARNED_MAX));
    }
    let twice = format!("what was learned of {workspace} {limit}");
    match record.learned.insert((workspace, limit), learned(message)?) {
        Some(_) => Err(RecordError::Twice(twice)),
        None => Ok(()),
    }
}

fn learned(message: format::LearnedMessage) -> Result<Learned, RecordError> {
    Ok(Learned {
        permits: message.permits.map(permits).transpose()?,
        phase: message.phase.map(|phase| PhaseInterval {
            least: Span::from_ns(phase.least),
            width: Span::from_ns(phase.width),
        }),
        cooldown_until: message.cooldown_until.map(Timestamp::from_ns),
        external_use: permits(message.external_use)?,
        basis: message.basis.map(basis).transpose()?,
    })
}

fn basis(message: format::BasisMessage) -> Result<Basis, RecordError> {
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

/// A number of 128 bits.
pub(super) fn number(bytes: &[u8]) -> Result<u128, RecordError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| RecordError::Number(bytes.len()))
}
