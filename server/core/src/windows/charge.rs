//! Permits that are granted, or come back, are counted in every window.

use super::side::Edges;
use super::state::Windows;
use crate::limit::Limit;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tree::NodeIx;

/// Permits of a team that are charged, or put back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TeamGrant {
    pub(crate) team: NodeIx,
    pub(crate) priority: Priority,
    pub(crate) permits: Permits,
    /// Permits that wait there.
    pub(crate) queued: u64,
}

/// How the window of a limit was charged for a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charged {
    /// Not yet: it will start without what came back.
    No,
    /// By the grant.
    ByGrant,
    /// It started with the lease, which was granted before the limit was added or changed.
    Carried,
}

impl Windows {
    /// Counts `n` more permits as granted to unknown teams, which lowers the room under every cap. Returns their sum.
    pub(crate) fn count_elsewhere(&mut self, n: Permits) -> Permits {
        let blocks = &mut self.limits[self.primary].blocks;
        blocks.booked_elsewhere += n;
        blocks.booked_elsewhere
    }

    /// Caps count in the primary window from now on, of which teams are known to have been granted `known`. Returns what counts as
    /// granted to every team: the rest of this window, and of the next.
    pub(crate) fn count_all_but(&mut self, known: Permits) -> (Permits, Permits) {
        let limit = &mut self.limits[self.primary];
        limit.blocks.booked_elsewhere = limit.blocks.unavailable().less(known);
        (limit.blocks.booked_elsewhere, limit.next_blocks.unavailable())
    }

    /// Whether the blocks do not hold `n` permits more.
    #[inline]
    pub(crate) fn lack_blocks(&self, n: Permits, edges: &Edges) -> bool {
        let lacks = |(limit, is_edge): (&Limit, bool)| {
            limit.blocks.free < n || (is_edge && limit.next_blocks.free < n)
        };
        self.limits.iter().zip(edges.iter()).any(lacks)
    }

    /// Charges a grant to every window; at an edge to the next one too.
    pub(crate) fn charge(&mut self, grant: &TeamGrant, edges: &Edges) {
        let &TeamGrant { team, priority, permits, queued } = grant;
        for (limit, is_edge) in self.limits.iter_mut().zip(edges.iter()) {
            limit.blocks.take(permits);
            if is_edge {
                limit.next_blocks.take(permits);
            }
            limit.counts(is_edge).grant(team, priority, permits, queued);
        }
        self.floors[priority].spend(permits);
        self.largest_grant = self.largest_grant.max(permits);
    }

    /// Permits of a lease came back: they go into the blocks of every window that was charged.
    pub(crate) fn put_back(&mut self, n: Permits, charged: &[Charged]) {
        for (limit, charged) in self.limits.iter_mut().zip(charged) {
            match charged {
                Charged::ByGrant => limit.blocks.put_back(n),
                Charged::Carried => limit.blocks.put_back_carried(n),
                Charged::No => {}
            }
        }
    }

    /// They do not count as granted to their team any more in the windows that were charged by the grant: also where those are not
    /// of the primary limit, which may become it again.
    pub(crate) fn uncount(&mut self, grant: &TeamGrant, charged: &[Charged], is_edge: bool) {
        let &TeamGrant { team, priority, permits, queued } = grant;
        let primary = self.primary;
        for (at, limit) in self.limits.iter_mut().enumerate() {
            if charged[at] == Charged::ByGrant {
                limit.counts(is_edge && at == primary).give_back(team, priority, permits, queued);
            }
        }
    }

    /// They were granted in the primary window in force: its floors have them back, and, at an edge, the window after it.
    pub(crate) fn restore(&mut self, grant: &TeamGrant, is_edge: bool) {
        self.floors[grant.priority].restore(grant.permits);
        if is_edge {
            self.limits[self.primary].next_blocks.put_back(grant.permits);
        }
    }
}
