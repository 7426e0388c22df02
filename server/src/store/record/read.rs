//! The parts of marks out of messages, each checked.

use super::super::format;
use super::error::RecordError;
use apportion_core::facts::{Basis, Learned, PhaseInterval};
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{Account, AccountEntry, LEARNED_MAX, MARKS_MAX, Mark, MarkKey, Marks, Spent};
use apportion_core::permits::Permits;
use apportion_core::policy::LIMITS_MAX;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;

/// The marks of a workspace.
pub(super) fn marks(workspace: WorkspaceId, message: format::MarksMessage) -> Result<Marks, RecordError> {
    let mut marks = Marks::first(workspace);
    marks.nonce = number(&message.nonce)?;
    marks.known_from = Timestamp::from_ns(message.known_from);
    marks.spent_before = Timestamp::from_ns(message.spent_before);
    for limit in message.limits {
        self::limit(limit, &mut marks)?;
    }
    let format::MarksMessage { shape, former, past, exhausted, .. } = message;
    marks.account = account(shape, [former, past, exhausted])?;
    Ok(marks)
}

/// An account: where its windows lie; what was granted under former shapes and in the past, and what is exhausted.
pub(super) fn account(
    shape: Vec<format::WindowsMessage>,
    lists: [Vec<format::EntryMessage>; 3],
) -> Result<Account, RecordError> {
    if shape.len() > LIMITS_MAX {
        return Err(RecordError::TooMany(LIMITS_MAX));
    }
    let shape = shape.into_iter().map(|format::WindowsMessage { limit, length, phase }| {
        let format::PhaseMessage { least, width } = phase.unwrap_or_default();
        let [length, least, width] = [length, least, width].map(Span::from_ns);
        Ok((LimitId::new(&limit)?, Grid::within(length, least, width)))
    });
    let shape = shape.collect::<Result<_, RecordError>>()?;
    let [former, past, exhausted] = lists.map(entries);
    Ok(Account { shape, former: former?, past: past?, exhausted: exhausted? })
}

fn entries(messages: Vec<format::EntryMessage>) -> Result<Vec<AccountEntry>, RecordError> {
    let entry = |format::EntryMessage { from, until, permits: count, life }| {
        let (from, until) = (Timestamp::from_ns(from), Timestamp::from_ns(until));
        Ok(AccountEntry { spent: Spent { from, until, permits: permits(count)? }, life })
    };
    messages.into_iter().map(entry).collect()
}

/// Adds what is known of a limit to the marks.
pub(super) fn limit(message: format::MarkedLimitMessage, marks: &mut Marks) -> Result<(), RecordError> {
    let (workspace, limit) = (marks.workspace.clone(), LimitId::new(&message.limit)?);
    if marks.marks.len() + message.marks.len() > MARKS_MAX {
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
        if marks.marks.insert(key, mark).is_some() {
            return Err(RecordError::Twice(format!("a mark of {workspace} {limit}")));
        }
    }
    let Some(message) = message.learned else { return Ok(()) };
    if marks.learned.len() >= LEARNED_MAX {
        return Err(RecordError::TooMany(LEARNED_MAX));
    }
    let twice = format!("what was learned of {workspace} {limit}");
    match marks.learned.insert(limit, learned(message)?) {
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
