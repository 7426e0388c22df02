//! What a lease was used for: unused permits go back into the window while it is open.

use super::Allocator;
use crate::ids::{CallerId, TeamId};
use crate::ledger::Series;
use crate::permits::Permits;
use crate::policy::LIMITS_MAX;
use crate::priority::Priority;
use crate::request::LeaseId;
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;
use thiserror::Error;

/// What came of a settle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Permits of this lease that came back so far and were taken.
    pub returned: Permits,
    /// Of those, the ones that this call brought.
    pub accepted: Permits,
    /// Whether the lease still lives.
    pub is_open: bool,
}

/// Why a settle is refused. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SettleError {
    /// More was reported than was granted.
    #[error("used {used} and returned {returned} are more than the {permits} permits of the lease")]
    TooMuch {
        /// Cumulative permits used.
        used: Permits,
        /// Cumulative permits returned.
        returned: Permits,
        /// Permits granted.
        permits: Permits,
    },
    /// The lease belongs to somebody else.
    #[error("the lease was granted to another caller")]
    NotYours,
}

/// How the window of a limit was charged for a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Charge {
    /// Not yet: it will start without what came back.
    None,
    /// By the grant.
    Granted,
    /// It started with the lease, which was granted before the limit was added or changed.
    Carried,
}

/// To whom permits come back.
struct Back {
    team: NodeIx,
    caller: Slot,
    priority: Priority,
    /// The node whose reservation was used.
    holder: NodeIx,
    /// They were charged to the next window too.
    edge: bool,
}

impl Allocator {
    /// Notes what a lease was used for so far. A repeat, or a report older than the last, changes nothing and gets the same
    /// answer; a lease that has ended is accepted and nothing comes back. Call [`Allocator::decide`] next.
    ///
    /// # Errors
    /// [`SettleError`] where more is reported than was granted, or by somebody else.
    pub fn settle(
        &mut self,
        now: Timestamp,
        id: LeaseId,
        by: (&TeamId, &CallerId),
        used: Permits,
        returned: Permits,
        is_final: bool,
    ) -> Result<Settled, SettleError> {
        self.advance(now);
        let closed = Settled { returned: Permits::ZERO, accepted: Permits::ZERO, is_open: false };
        let Some(charged) = self.charged(now, id) else {
            self.note_the_end(now, id, by, is_final);
            return Ok(closed);
        };
        let team = self.names.get(by.0);
        let Some(open) = self.leases.find(id) else { return Ok(closed) };
        let permits = open.lease.permits;
        if used.get() > permits.get() || returned.get() > permits.get() - used.get() {
            return Err(SettleError::TooMuch { used, returned, permits });
        }
        let (owner, caller) = (open.team, open.caller);
        if team != Some(owner) || self.queue.callers[caller].id != *by.1 {
            return Err(SettleError::NotYours);
        }
        // What is used cannot come back, and what came back is granted to others already.
        let most = permits.less(used.max(open.used));
        let before = open.returned;
        let after = if open.is_final() { before } else { returned.max(before).min(most.max(before)) };
        let accepted = after.less(before);
        self.spent = self.spent.wrapping_add(used.less(open.used).get());
        open.used = open.used.max(used);
        open.returned = after;
        let is_last = is_final && !open.is_final();
        if is_last {
            open.final_at = now;
        }
        let (is_open, former) = (!open.is_final(), open.former);
        let (priority, holder, edge) = (open.lease.priority, open.holder, open.edge);
        if !accepted.is_zero() {
            self.put_back(&Back { team: owner, caller, priority, holder, edge }, accepted, &charged);
        }
        let until = now + self.slack();
        if let Some(parts) = self.former.as_mut().filter(|_| former != 0) {
            for (at, limit) in self.limits.iter().enumerate() {
                let series = Series { life: self.life, number: limit.series };
                if charged[at] == Charge::Granted {
                    parts.came_back(series, limit.window.start.earliest, accepted);
                }
                if edge && at == self.scheduler {
                    parts.came_back(series, limit.next_window().start.earliest, accepted);
                }
            }
            parts.give_back(former, accepted);
            if is_last {
                parts.use_up(former, permits.less(after), until);
            }
        }
        Ok(Settled { returned: after, accepted, is_open })
    }

    /// Nothing comes back of a lease any more, but its holder says that it is done with it: it is not charged to later windows.
    fn note_the_end(&mut self, now: Timestamp, id: LeaseId, by: (&TeamId, &CallerId), is_final: bool) {
        let (team, until) = (self.names.get(by.0), now + self.slack());
        let Some(open) = self.leases.find(id).filter(|open| is_final && !open.is_final()) else { return };
        if open.is_closed() || team != Some(open.team) || self.queue.callers[open.caller].id != *by.1 {
            return;
        }
        open.final_at = now;
        let (former, permits) = (open.former, open.lease.permits.less(open.returned));
        if let Some(parts) = self.former.as_mut().filter(|_| former != 0) {
            parts.use_up(former, permits, until);
        }
    }

    /// How each limit's window of now was charged for a lease; nothing where one was not, or the lease is not open: then nothing
    /// comes back of it.
    fn charged(&mut self, now: Timestamp, id: LeaseId) -> Option<[Charge; LIMITS_MAX]> {
        let open = self.leases.find(id).filter(|open| !open.is_closed())?;
        let (granted_at, ends_at, part) = (open.lease.granted_at, open.lease.ends_at, open.former);
        let newest = match part {
            0 => self.newest_series,
            part => self.former.as_ref()?.newest_series(part)?,
        };
        let mut charged = [Charge::None; LIMITS_MAX];
        for (limit, charge) in self.limits.iter().zip(&mut charged) {
            *charge = if limit.series <= newest {
                (granted_at >= limit.rolled_at).then_some(Charge::Granted)?
            } else if now > ends_at {
                return None;
            } else if limit.booking.is_known {
                Charge::Carried
            } else {
                Charge::None
            };
        }
        Some(charged)
    }

    fn put_back(&mut self, back: &Back, n: Permits, charged: &[Charge]) {
        let &Back { team, caller, priority: c, holder, edge } = back;
        for (limit, charge) in self.limits.iter_mut().zip(charged) {
            match charge {
                Charge::Granted => limit.put_back(n),
                Charge::Carried => limit.put_back_carried(n),
                Charge::None => {}
            }
        }
        if charged[self.scheduler] == Charge::Granted {
            if edge {
                self.limits[self.scheduler].next.free += n;
                self.tree.for_path(team, |node| node.granted_next = node.granted_next.less(n));
            }
            self.floors[c].restore(n);
            let queued = self.queued(team, c);
            for (at, limit) in self.limits.iter_mut().enumerate() {
                limit.won(edge && at == self.scheduler).give_back(team, c, n, queued);
            }
            self.tree.charge(team, c, n, true, holder);
            self.take_from_standing(team, caller, n);
        }
        self.refuse_impossible(team);
        for c in Priority::ALL {
            self.update_waits(team, c);
        }
    }

    fn take_from_standing(&mut self, team: NodeIx, caller: Slot, n: Permits) {
        for c in Priority::ALL {
            if self.lane(team, c).is_none_or(|lane| lane.requests == 0) {
                continue;
            }
            self.hide_head(caller, c);
            let standing = &mut self.queue.callers[caller].standing[c];
            standing.tag = standing.tag.saturating_sub(u64::from(n));
            self.show_head(caller, c);
        }
    }
}
