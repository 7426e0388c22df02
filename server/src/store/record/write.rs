//! The parts of marks as messages.

use super::super::format;
use apportion_core::facts::{Basis, Learned, PhaseInterval};
use apportion_core::ids::LimitId;
use apportion_core::ledger::{Account, AccountEntry, Marks, Spent};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use apportion_core::window::Grid;
use std::collections::BTreeMap;

/// The marks of a workspace.
pub(super) fn marks(marks: &Marks) -> format::MarksMessage {
    let Account { shape, former, past, exhausted } = &marks.account;
    let entries = |entries: &[AccountEntry]| {
        let entry = |&AccountEntry { spent: Spent { from, until, permits }, life }: &AccountEntry| {
            format::EntryMessage { from: from.as_ns(), until: until.as_ns(), permits: permits.get(), life }
        };
        entries.iter().map(entry).collect()
    };
    let windows = |(limit, grid): &(LimitId, Grid)| format::WindowsMessage {
        limit: limit.to_string(),
        length: grid.length().as_ns(),
        phase: Some(format::PhaseMessage { least: grid.phase().as_ns(), width: grid.width().as_ns() }),
    };
    format::MarksMessage {
        nonce: marks.nonce.to_be_bytes().into(),
        known_from: marks.known_from.as_ns(),
        spent_before: marks.spent_before.as_ns(),
        limits: limits(marks),
        shape: shape.iter().map(windows).collect(),
        former: entries(former),
        past: entries(past),
        exhausted: entries(exhausted),
    }
}

/// Marks and what was learned, by limit: the name of each is written once.
fn limits(marks: &Marks) -> Vec<format::MarkedLimitMessage> {
    let mut limits: BTreeMap<&str, format::MarkedLimitMessage> = BTreeMap::new();
    let empty = |limit: &LimitId| format::MarkedLimitMessage {
        limit: limit.to_string(),
        ..format::MarkedLimitMessage::default()
    };
    for (key, mark) in &marks.marks {
        let known = limits.entry(key.limit.as_str());
        known.or_insert_with(|| empty(&key.limit)).marks.push(format::MarkMessage {
            window_start: key.window_start.as_ns(),
            window_end: mark.window_end.as_ns(),
            hi: mark.hi.get(),
            known: mark.known.get(),
            life: mark.life,
            booked: mark.booked.get(),
            is_exhausted: mark.is_exhausted,
        });
    }
    for (limit, learned) in &marks.learned {
        let known = limits.entry(limit.as_str());
        known.or_insert_with(|| empty(limit)).learned = Some(learned_message(learned));
    }
    limits.into_values().collect()
}

fn learned_message(learned: &Learned) -> format::LearnedMessage {
    // Taken apart by name: a new field does not compile until it is kept too.
    let Learned { permits, phase, cooldown_until, external_use, basis } = *learned;
    format::LearnedMessage {
        basis: basis.map(|Basis { permits, window, phase, created_at }| format::BasisMessage {
            permits: permits.get(),
            window: window.as_ns(),
            phase: phase.as_ns(),
            created_at: created_at.as_ns(),
        }),
        permits: permits.map(Permits::get),
        phase: phase.map(|PhaseInterval { least, width }| format::PhaseMessage {
            least: least.as_ns(),
            width: width.as_ns(),
        }),
        cooldown_until: cooldown_until.map(Timestamp::as_ns),
        external_use: external_use.get(),
    }
}
