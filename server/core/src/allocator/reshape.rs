//! Windows come to lie elsewhere: limits are added, changed or taken away, or the provider shows where its boundaries are.
//!
//! What was granted before is charged to every window of the new limits in which it may still be counted. The ledger does that
//! on its own for what it knows; here it is said what it cannot know: how much of what was booked was granted, and until when
//! that may be used.

use super::former::Former;
use super::{Allocator, Effect};
use crate::ledger::{Series, Shape, Spent, Statement};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tree::Tree;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// A shape that is left.
pub(super) struct Leaving {
    /// The newest series of windows in it.
    newest: u32,
    /// The series of the scheduler's limit.
    scheduler: u32,
}

impl Allocator {
    /// The limits, and where their windows lie.
    pub(super) fn shape(&self) -> Shape {
        self.limits.iter().map(|limit| (limit.id.clone(), limit.facts.grid())).collect()
    }

    /// Windows are about to lie elsewhere: what was granted in those of now is put down as granted under a former shape. Pass what
    /// it returns to [`Allocator::enter_shape`] once they do.
    pub(super) fn leave_shape(&mut self, now: Timestamp) -> Leaving {
        let limit = &self.limits[self.scheduler];
        let (window, slack) = (limit.window, self.slack());
        let following = Window {
            start: window.end,
            end: crate::window::Boundary {
                earliest: window.end.earliest + limit.length(),
                latest: window.end.latest + limit.length(),
            },
        };
        let former = self.former.get_or_insert_default();
        let series = Series { life: self.life, number: limit.series };
        let current = limit.booking.granted().less(former.known_of(series, &window));
        // Edge permits are charged to both windows.
        let ahead = limit.next.granted().less(former.known_of(series, &following));
        let live = |edge| self.leases.iter().filter(move |open| open.former == 0 && open.edge == edge);
        let live = |edge| -> Permits { live(edge).map(|open| open.may_be_used()).sum() };
        let parts = [(false, current.less(ahead), live(false)), (true, ahead, live(true))];
        for (edge, granted, live) in parts {
            let end = if edge { following.end.earliest } else { window.end.earliest };
            let spent = |permits, until: Timestamp| Spent {
                from: window.start.earliest,
                until: until.min(end),
                permits,
            };
            former.add(spent(granted.less(live), now + slack), end, self.newest_series);
            if !live.is_zero() {
                let part = former.add(spent(live, end), end, self.newest_series);
                self.leases.leave(edge, part);
            }
        }
        Leaving { newest: self.newest_series, scheduler: series.number }
    }

    /// The number of a series of windows that begins.
    pub(super) fn next_series(&mut self) -> u32 {
        self.newest_series += 1;
        self.newest_series
    }

    /// Windows lie elsewhere now.
    pub(super) fn enter_shape(&mut self, now: Timestamp, left: &Leaving) {
        let scheduler = self.limits[self.scheduler].series;
        if scheduler != left.scheduler && scheduler <= left.newest {
            self.count_teams_anew();
        }
        let life = self.life;
        let goes_on = self.limits.iter().filter(|limit| limit.series <= left.newest);
        let granted = goes_on.flat_map(|limit| {
            let series = Series { life, number: limit.series };
            [
                (series, limit.window.start.earliest, limit.booking.granted()),
                (series, limit.next_window().start.earliest, limit.next.granted()),
            ]
        });
        let granted = granted.collect();
        self.former.get_or_insert_default().before = granted;
        self.state(now);
    }

    /// Says to the ledger where windows lie and what was granted in former ones.
    pub(super) fn state(&mut self, now: Timestamp) {
        let shape = self.shape();
        let mut nothing = Former::default();
        let former = self.former.as_deref_mut().unwrap_or(&mut nothing);
        let granted = former.before.clone();
        let former = former.state(now);
        self.is_stated = true;
        self.effects.push_back(Effect::State(Statement { at: now, life: self.life, shape, granted, former }));
    }

    /// How long after its end a lease may be counted.
    pub(super) fn slack(&self) -> Span {
        let slack = |limit: &Limit| limit.margins.guard.less(limit.margins.life);
        self.limits.iter().map(slack).max().unwrap_or(Span::ZERO)
    }

    /// Another limit's window is the scheduler's now: caps count in that. What no team is known to have won in it counts as
    /// granted to everybody.
    fn count_teams_anew(&mut self) {
        for v in 0..self.tree.places() {
            let node = &mut self.tree[v];
            (node.granted, node.granted_next) = (Permits::ZERO, Permits::ZERO);
        }
        let limit = &self.limits[self.scheduler];
        let mut known = Permits::ZERO;
        for team in self.teams_below(Tree::ROOT) {
            if self.tree[team].is_leaf() {
                let won: u64 = Priority::ALL.iter().map(|&c| limit.holdback.won_by(team, c)).sum();
                let won = Permits::clamped(won);
                known += won;
                self.tree.for_path(team, |node| node.granted += won);
            }
        }
        self.tree.foreign = limit.booking.mark.less(limit.booking.free).less(known);
        for v in 0..self.tree.places() {
            self.tree[v].granted_next = limit.next.mark.less(limit.next.free);
        }
    }
}
