//! Windows come to lie elsewhere: limits are added, changed or taken away, or the provider shows where its boundaries are.
//!
//! What was granted before is charged to every window of the new limits in which it may still be counted. The ledger does that
//! on its own for what it knows; here it is said what it cannot know: how much of what was booked was granted, and until when
//! that may be used.

use super::former::Former;
use super::{Allocator, Effect};
use crate::lease::Leases;
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

/// Into how many steps the time is divided in which what was used lately may still be counted.
const STEPS: usize = 4;

/// What the leases of a window leave to those of another shape.
struct Leaves {
    /// May be used until the window ends.
    live: Permits,
    /// Was used lately, and may be counted until then.
    used: [(Timestamp, Permits); STEPS],
}

fn leaves(leases: &Leases, edge: bool, now: Timestamp, slack: Span) -> Leaves {
    let step = Span::from_ns(slack.as_ns().div_ceil(4));
    let mut until = now;
    let used = [(); STEPS].map(|()| {
        until = until + step;
        (until, Permits::ZERO)
    });
    let mut leaves = Leaves { live: Permits::ZERO, used };
    for open in leases.iter().filter(|open| open.former == 0 && open.edge == edge) {
        leaves.live += open.may_be_used();
        let counted_until = open.final_at + slack;
        if open.is_final()
            && counted_until > now
            && let Some((_, permits)) = leaves.used.iter_mut().find(|(until, _)| counted_until <= *until)
        {
            *permits += open.lease.permits.less(open.returned);
        }
    }
    leaves
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
        for (edge, granted) in [(false, current.less(ahead)), (true, ahead)] {
            let end = if edge { following.end.earliest } else { window.end.earliest };
            let spent = |permits, until: Timestamp| Spent {
                from: window.start.earliest,
                until: until.min(end),
                permits,
            };
            let Leaves { live, used } = leaves(&self.leases, edge, now, slack);
            let late: Permits = used.iter().map(|(_, permits)| *permits).sum();
            former.add_used(spent(granted.less(live + late), now), end, self.newest_series);
            for (until, permits) in used {
                former.add_used(spent(permits, until), end, self.newest_series);
            }
            let part = former.add_live(spent(live, end), end, self.newest_series);
            self.leases.leave(edge, part);
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
        self.state(now, true);
        self.unwritten = self.statement;
    }

    /// What this allocator said is written: it may grant again.
    pub fn stated(&mut self, life: u64, number: u32) {
        if life != self.life {
            return;
        }
        if number >= self.unwritten {
            self.unwritten = 0;
        }
        if let Some(former) = &mut self.former {
            former.written(number);
        }
    }

    /// Says to the ledger where windows lie and what was granted in former ones.
    pub(super) fn state(&mut self, now: Timestamp, is_urgent: bool) {
        self.statement += 1;
        let (life, number) = (self.life, self.statement);
        let shape = self.shape();
        let mut nothing = Former::default();
        let former = self.former.as_deref_mut().unwrap_or(&mut nothing);
        let former = former.state(now, number);
        self.is_stated = true;
        self.effects.push_back(Effect::State(Statement { at: now, life, number, is_urgent, shape, former }));
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
        let next = limit.next.mark.less(limit.next.free);
        let booking = &mut self.limits[self.scheduler].booking;
        booking.foreign = booking.mark.less(booking.free).less(known);
        self.tree.foreign = booking.foreign;
        for v in 0..self.tree.places() {
            self.tree[v].granted_next = next;
        }
    }
}
