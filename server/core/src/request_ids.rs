//! Request ids, and what became of the requests: a repeat is answered like the request that it repeats.

use crate::ids::RequestId;
use crate::lease::Leases;
use crate::request::LeaseId;
use crate::slab::Slot;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A remembered request id: the caller, and its id.
type Key = (Slot, RequestId);

/// What became of a request with an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KnownRequest {
    /// It waits.
    Waiting(Slot),
    /// It was granted this lease, which is open.
    Granted(LeaseId),
    /// It was granted a lease, which has expired.
    Ended,
}

/// The request ids that are remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestIds {
    known: BTreeMap<Key, KnownRequest>,
    /// Of those, whose lease ended in this window and in the last one, oldest first; nothing where none did.
    ended: Option<Box<[VecDeque<Key>; 2]>>,
}

impl RequestIds {
    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// What became of the request that a caller gave this id.
    pub(crate) fn find(&self, caller: Slot, id: &RequestId) -> Option<KnownRequest> {
        self.known.get(&(caller, id.clone())).copied()
    }

    /// Remembers what became of a request.
    pub(crate) fn insert(&mut self, caller: Slot, id: &RequestId, known: KnownRequest) {
        self.known.insert((caller, id.clone()), known);
    }

    /// Forgets an id: a repeat is a request of its own.
    pub(crate) fn remove(&mut self, caller: Slot, id: RequestId) -> bool {
        self.known.remove(&(caller, id)).is_some()
    }

    /// Makes room for a new id: the answer that is remembered for longest goes, but no id of a waiting request. Returns whether one
    /// went.
    pub(crate) fn forget_oldest_answer(&mut self, leases: &mut Leases) -> bool {
        while let Some(key) = self.pop_ended() {
            if self.known.get(&key) == Some(&KnownRequest::Ended) {
                self.known.remove(&key);
                return true;
            }
        }
        leases.forget_the_oldest_id().is_some_and(|(caller, id)| self.remove(caller, id))
    }

    fn pop_ended(&mut self) -> Option<Key> {
        let ended = self.ended.as_mut()?;
        ended[1].pop_front().or_else(|| ended[0].pop_front())
    }

    /// A window ends: answers of the window before are forgotten.
    pub(crate) fn forget_last_window(&mut self) {
        let Some(ended) = &mut self.ended else { return };
        for key in std::mem::take(&mut ended[1]) {
            if self.known.get(&key) == Some(&KnownRequest::Ended) {
                self.known.remove(&key);
            }
        }
        ended.swap(0, 1);
    }

    /// The lease that was granted under an id ended.
    pub(crate) fn end(&mut self, caller: Slot, id: RequestId) {
        self.known.insert((caller, id.clone()), KnownRequest::Ended);
        self.ended.get_or_insert_default()[0].push_back((caller, id));
    }

    /// Gives back memory that nothing uses.
    pub(crate) fn shrink(&mut self) {
        self.ended.take_if(|ended| ended.iter().all(VecDeque::is_empty));
    }

    /// Forgets some id of a caller. Returns whether there was one.
    pub(crate) fn forget_one_of(&mut self, caller: Slot) -> bool {
        let next = self.known.range((caller, RequestId::least())..).next();
        let Some(key) = next.filter(|(key, _)| key.0 == caller).map(|(key, _)| key.clone()) else {
            return false;
        };
        self.known.remove(&key).is_some()
    }

    /// Forgets all ids of these callers.
    pub(crate) fn forget_all_of(&mut self, callers: &BTreeSet<Slot>) {
        // To look at every id that is remembered is only worth it for many callers.
        if callers.len() > self.known.len() / 16 {
            self.known.retain(|(of, _), _| !callers.contains(of));
            return;
        }
        for &caller in callers {
            while self.forget_one_of(caller) {}
        }
    }
}
