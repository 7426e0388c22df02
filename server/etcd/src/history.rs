//! Whether etcd is still the one that was seen before. A cluster that was restored from a backup has another id, or its revision or
//! its term went back.
//!
//! Etcd reports both with every answer that a quorum confirmed. An answer to a call is never older than an answer that had arrived
//! before the call was made, so only what was seen before a call is compared with its answer.

use crate::api::ResponseHeader;
use crate::error::EtcdError;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far a history has come, as one answer reported it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Progress {
    cluster: u64,
    revision: i64,
    term: u64,
}

/// The history of one etcd, as far as it was seen.
#[derive(Default, Debug)]
pub(crate) struct History {
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    seen: Option<Progress>,
    /// Why the history is another one, until it is accepted.
    broken: Option<String>,
}

impl History {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen before a call.
    ///
    /// # Errors
    /// [`EtcdError::OtherHistory`] until the other history is accepted.
    pub(crate) fn before(&self) -> Result<Option<Progress>, EtcdError> {
        let state = self.state();
        match &state.broken {
            Some(why) => Err(EtcdError::OtherHistory(why.clone())),
            None => Ok(state.seen),
        }
    }

    /// Compares an answer with what was seen before its call.
    ///
    /// # Errors
    /// [`EtcdError::OtherHistory`].
    pub(crate) fn after(&self, before: Option<Progress>, header: &ResponseHeader) -> Result<(), EtcdError> {
        let now = Progress { cluster: header.cluster_id, revision: header.revision, term: header.raft_term };
        let mut state = self.state();
        if let Some(why) = before.and_then(|before| before.differs_from(now)) {
            state.broken = Some(why.clone());
            return Err(EtcdError::OtherHistory(why));
        }
        if state.seen.is_none_or(|seen| seen.cluster != now.cluster) {
            state.seen = Some(now);
        } else if let Some(seen) = &mut state.seen {
            seen.revision = seen.revision.max(now.revision);
            seen.term = seen.term.max(now.term);
        }
        Ok(())
    }

    /// Notices another cluster by an answer that may be old.
    pub(crate) fn glance(&self, header: &ResponseHeader) {
        let mut state = self.state();
        if let Some(seen) = state.seen.filter(|seen| seen.cluster != header.cluster_id) {
            state.broken = Some(cluster_changed(seen.cluster, header.cluster_id));
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.state().broken.is_some()
    }

    /// Begins anew: what is there now is compared with nothing before it.
    pub(crate) fn accept(&self) {
        *self.state() = State::default();
    }
}

impl Progress {
    fn differs_from(self, now: Self) -> Option<String> {
        if self.cluster != now.cluster {
            return Some(cluster_changed(self.cluster, now.cluster));
        }
        if now.revision < self.revision {
            return Some(format!("its revision went back from {} to {}", self.revision, now.revision));
        }
        let is_older = now.term < self.term;
        is_older.then(|| format!("its term went back from {} to {}", self.term, now.term))
    }
}

fn cluster_changed(from: u64, to: u64) -> String {
    format!("its cluster id changed from {from:016x} to {to:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(cluster_id: u64, revision: i64, raft_term: u64) -> ResponseHeader {
        ResponseHeader { cluster_id, revision, raft_term, member_id: 0 }
    }

    fn broken_by(now: ResponseHeader) -> bool {
        let history = History::default();
        let before = history.before().expect("nothing was seen");
        history.after(before, &header(1, 10, 3)).expect("the first answer");
        let before = history.before().expect("it is the same");
        let broken = history.after(before, &now).is_err();
        assert_eq!((history.is_broken(), history.before().is_err()), (broken, broken));
        history.accept();
        assert!(history.before().expect("it was accepted").is_none());
        broken
    }

    #[test]
    fn another_cluster_and_a_revision_or_term_that_went_back_are_another_history() {
        let broken = [header(2, 10, 3), header(1, 9, 3), header(1, 11, 2)].map(broken_by);
        let same = [header(1, 10, 3), header(1, 11, 3), header(1, 10, 4)].map(broken_by);
        assert_eq!((broken, same), ([true; 3], [false; 3]));
    }

    #[test]
    fn answers_that_arrive_in_another_order_than_they_were_made_are_the_same_history() {
        let history = History::default();
        let [first, second] = [history.before(), history.before()].map(Result::unwrap);
        history.after(second, &header(1, 11, 3)).expect("the later one");
        history.after(first, &header(1, 10, 3)).expect("the earlier one arrives later");
        let third = history.before().expect("it is the same");
        assert!(history.after(third, &header(1, 10, 3)).is_err(), "asked after revision 11 was seen");
    }
}
