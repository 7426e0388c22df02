//! Changes of the rules, and which response first showed each.

use std::collections::VecDeque;

use super::report::{Cause, Revision, Tally};
use super::rules::Change;
use super::verdict::Verdict;

/// Changes that are kept.
pub const REVISIONS_KEPT: usize = 256;

/// The last changes of the rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Revisions {
    /// Oldest first, each with the requests of the other consumer before it.
    kept: VecDeque<(Revision, u64)>,
    forgotten: u64,
}

impl Revisions {
    /// The number of the last change; 0 before the first.
    pub(super) fn last_number(&self) -> u64 {
        self.kept.back().map_or(0, |(revision, _)| revision.number)
    }

    pub(super) fn add(&mut self, at_ns: u64, change: Change, external_before: u64) {
        let number = self.last_number() + 1;
        let (before_shown, after_shown) = (Tally::default(), Tally::default());
        let revision = Revision { number, at_ns, change, first_shown_ns: None, before_shown, after_shown };
        self.kept.push_back((revision, external_before));
        if self.kept.len() > REVISIONS_KEPT {
            self.kept.pop_front();
            self.forgotten += 1;
        }
    }

    /// Counts an arrival under the last change.
    pub(super) fn count(&mut self, cause: Option<Cause>, is_over: bool) {
        if let Some((last, _)) = self.kept.back_mut() {
            let is_shown = last.first_shown_ns.is_some();
            let tally = if is_shown { &mut last.after_shown } else { &mut last.before_shown };
            tally.count(cause, is_over);
        }
    }

    /// Marks the changes that a response shows for the first time.
    pub(super) fn show(&mut self, now_ns: u64, verdict: &Verdict) {
        for (revision, external_before) in &mut self.kept {
            let change = &revision.change;
            let is_shown = change.limit.is_some()
                || change.phase_ms.is_some()
                || (change.external_percent.is_some() && verdict.external > *external_before)
                || (change.force_429.is_some() && verdict.throttled == Some(Cause::Forced));
            if is_shown && revision.first_shown_ns.is_none() && verdict.revision >= revision.number {
                revision.first_shown_ns = Some(now_ns);
            }
        }
    }

    pub(super) fn kept(&self) -> VecDeque<Revision> {
        self.kept.iter().map(|(revision, _)| revision.clone()).collect()
    }

    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
