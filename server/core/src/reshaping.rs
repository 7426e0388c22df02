//! The boundaries of windows move: limits are added, changed or removed, or a response shows where the provider's boundaries are.
//!
//! What was granted before is charged to every window of the new limits in which it may still be counted. The ledger does that
//! on its own for what it knows; a *statement* adds what it cannot know: how much of what was booked was granted, and until when
//! that may be used. Owns the series of windows, the statements and what was granted under previous shapes.

use crate::effect::{Effect, Effects};
use crate::lease::{AllocatedLease, Leases};
use crate::ledger::{Series, Spent, Statement};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::LIMITS_MAX;
use crate::previous::PreviousGrants;
use crate::time::{Span, Timestamp};
use crate::window::{Boundary, Window};
use crate::windows::{Charged, Windows};

/// The series of windows, and what the ledger knows of them.
#[derive(Clone, Debug)]
pub(crate) struct Reshaping {
    /// Unique among the allocators of the workspace.
    life: u64,
    /// The number of the newest series of windows: they count up.
    newest_series: u32,
    /// Whether the ledger was sent where windows lie.
    is_stated: bool,
    /// The number of the newest statement.
    statement: u32,
    /// The number of the statement that must be written before anything is granted, or 0. Until then the ledger does not know the
    /// new windows, and blocks booked earlier must not be granted in them.
    unwritten: u32,
    /// What was granted where windows lay before.
    previous: Option<Box<PreviousGrants>>,
}

/// Permits of a lease that came back, as far as it was granted under a previous shape.
#[derive(Clone, Copy)]
pub(crate) struct PreviousReturn<'a> {
    /// The part of the grants under previous shapes; 0 if it was granted under the current shape.
    pub(crate) part: u32,
    pub(crate) permits: Permits,
    /// How each limit was charged for the lease.
    pub(crate) charged: &'a [Charged],
    /// The next window was charged too.
    pub(crate) is_edge: bool,
}

/// A shape that is left.
#[must_use = "another shape is to be entered with `Reshaping::enter`"]
pub(crate) struct LeftShape {
    /// The newest series of windows in it.
    newest: u32,
    /// The series of the primary limit.
    primary: u32,
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

impl Leaves {
    fn of<'a>(leases: impl Iterator<Item = &'a AllocatedLease>, now: Timestamp, slack: Span) -> Self {
        let step = Span::from_ns(slack.as_ns().div_ceil(4));
        let mut until = now;
        let used = [(); STEPS].map(|()| {
            until = until + step;
            (until, Permits::ZERO)
        });
        let mut leaves = Self { live: Permits::ZERO, used };
        leases.for_each(|open| leaves.add(open, now, slack));
        leaves
    }

    fn add(&mut self, open: &AllocatedLease, now: Timestamp, slack: Span) {
        self.live += open.may_be_used();
        let counted_until = open.final_at + slack;
        if open.is_final()
            && counted_until > now
            && let Some((_, permits)) = self.used.iter_mut().find(|(until, _)| counted_until <= *until)
        {
            *permits += open.lease.permits.less(open.returned);
        }
    }
}

impl Reshaping {
    /// The windows of a new allocator: its limits are in the series from 1 to `newest_series`.
    pub(crate) fn new(life: u64, newest_series: u32) -> Self {
        Self { life, newest_series, is_stated: false, statement: 0, unwritten: 0, previous: None }
    }

    /// The series that a limit is in.
    pub(crate) fn series_of(&self, limit: &Limit) -> Series {
        Series { life: self.life, number: limit.series }
    }

    /// The place of the limit that is in this series.
    pub(crate) fn find(&self, series: Series, windows: &Windows) -> Option<usize> {
        let at = windows.limits().iter().position(|limit| limit.series == series.number);
        at.filter(|_| series.life == self.life)
    }

    /// The number of a series of windows that begins.
    pub(crate) fn next_series(&mut self) -> u32 {
        self.newest_series += 1;
        self.newest_series
    }

    /// Whether nothing may be granted before a statement is written.
    pub(crate) fn is_blocking(&self) -> bool {
        self.unwritten > 0
    }

    /// Records what was granted in the current windows as granted under a previous shape: their boundaries are about to move.
    pub(crate) fn leave(&mut self, now: Timestamp, windows: &Windows, leases: &mut Leases) -> LeftShape {
        let limit = windows.primary();
        let (window, slack, series) = (limit.window, slack(windows), self.series_of(limit));
        let following = following(limit);
        let newest = self.newest_series;
        let previous = self.previous.get_or_insert_default();
        let current = limit.blocks.granted().less(previous.known_of(series, &window));
        // Edge permits are charged to both windows.
        let ahead = limit.next_blocks.granted().less(previous.known_of(series, &following));
        for (is_edge, granted) in [(false, current.less(ahead)), (true, ahead)] {
            let end = if is_edge { following.end.earliest } else { window.end.earliest };
            let spent = |permits, until: Timestamp| Spent {
                from: window.start.earliest,
                until: until.min(end),
                permits,
            };
            let of_window = leases.iter().filter(|open| open.previous == 0 && open.is_edge == is_edge);
            let Leaves { live, used } = Leaves::of(of_window, now, slack);
            let late: Permits = used.iter().map(|(_, permits)| *permits).sum();
            previous.add_used(spent(granted.less(live + late), now), end, newest);
            for (until, permits) in used {
                previous.add_used(spent(permits, until), end, newest);
            }
            let part = previous.add_live(spent(live, end), end, newest);
            leases.leave(is_edge, part);
        }
        LeftShape { newest, primary: series.number }
    }

    /// Whether another limit is the primary one now, and its windows continue.
    pub(crate) fn has_other_primary(&self, left: &LeftShape, windows: &Windows) -> bool {
        let primary = windows.primary().series;
        primary != left.primary && primary <= left.newest
    }

    /// The boundaries have moved. Nothing is granted before the ledger has written the new ones.
    pub(crate) fn enter(
        &mut self,
        left: LeftShape,
        now: Timestamp,
        windows: &Windows,
        effects: &mut Effects,
    ) {
        let go_on = windows.limits().iter().filter(|limit| limit.series <= left.newest);
        let granted = go_on.flat_map(|limit| {
            let series = Series { life: self.life, number: limit.series };
            [
                (series, limit.window.start.earliest, limit.blocks.granted()),
                (series, limit.next_window().start.earliest, limit.next_blocks.granted()),
            ]
        });
        self.previous.get_or_insert_default().before = granted.collect();
        let statement = Statement { is_urgent: true, ..self.next_statement(now, windows) };
        effects.push(Effect::State(statement));
        self.unwritten = self.statement;
    }

    /// As if everything that was stated were written.
    pub(crate) fn assume_stated(&mut self) {
        self.stated(self.life, self.statement);
    }

    /// Sends the ledger where windows lie and what was granted in previous ones.
    pub(crate) fn state(&mut self, now: Timestamp, windows: &Windows, effects: &mut Effects) {
        let statement = self.next_statement(now, windows);
        effects.push(Effect::State(statement));
    }

    fn next_statement(&mut self, now: Timestamp, windows: &Windows) -> Statement {
        self.statement += 1;
        self.is_stated = true;
        let (life, number, shape) = (self.life, self.statement, windows.shape());
        let former = self.previous.as_mut().map(|previous| previous.state(now, number)).unwrap_or_default();
        Statement { at: now, life, number, is_urgent: false, shape, former }
    }

    /// Sends a statement unless the last one is up to date.
    pub(crate) fn state_if_stale(&mut self, now: Timestamp, windows: &Windows, effects: &mut Effects) {
        if !self.is_stated || self.previous.as_ref().is_some_and(|previous| previous.is_stale) {
            self.state(now, windows, effects);
        }
    }

    /// A block was refused: the ledger may have missed the statement.
    pub(crate) fn forget_stated(&mut self) {
        self.is_stated = false;
    }

    /// A statement of an allocator is written.
    pub(crate) fn stated(&mut self, life: u64, number: u32) {
        if life != self.life {
            return;
        }
        if number >= self.unwritten {
            self.unwritten = 0;
        }
        if let Some(previous) = &mut self.previous {
            previous.written(number);
        }
    }

    /// How each limit's window of now was charged for a lease; nothing where one was not: then nothing comes back of it.
    pub(crate) fn charged(
        &self,
        now: Timestamp,
        open: &AllocatedLease,
        windows: &Windows,
    ) -> Option<[Charged; LIMITS_MAX]> {
        let newest = match open.previous {
            0 => self.newest_series,
            part => self.previous.as_ref()?.newest_series(part)?,
        };
        let mut charged = [Charged::No; LIMITS_MAX];
        for (limit, charged) in windows.limits().iter().zip(&mut charged) {
            *charged = if limit.series <= newest {
                (open.lease.granted_at >= limit.rolled_at).then_some(Charged::ByGrant)?
            } else if now > open.lease.ends_at {
                return None;
            } else if limit.blocks.has_confirmed_block {
                Charged::Carried
            } else {
                Charged::No
            };
        }
        Some(charged)
    }

    /// Permits of a lease of a previous shape came back: windows that continue may grant them again, under the new shape.
    pub(crate) fn came_back(&mut self, returned: &PreviousReturn<'_>, windows: &Windows) {
        let &PreviousReturn { part, permits: n, charged, is_edge } = returned;
        let Some(previous) = self.previous.as_mut().filter(|_| part != 0) else { return };
        for (at, limit) in windows.limits().iter().enumerate() {
            let series = Series { life: self.life, number: limit.series };
            if charged[at] == Charged::ByGrant {
                previous.came_back(series, limit.window.start.earliest, n);
            }
            if is_edge && at == windows.primary_place() {
                previous.came_back(series, limit.next_window().start.earliest, n);
            }
        }
        previous.give_back(part, n);
    }

    /// A lease of a previous shape has ended after it used `n` permits, the last of them now.
    pub(crate) fn use_up(&mut self, part: u32, n: Permits, now: Timestamp, windows: &Windows) {
        if let Some(previous) = self.previous.as_mut().filter(|_| part != 0) {
            previous.use_up(part, n, now + slack(windows));
        }
    }
}

/// The window after the one in force, with the same uncertainty.
fn following(limit: &Limit) -> Window {
    let (end, length) = (limit.window.end, limit.length());
    let next_end = Boundary { earliest: end.earliest + length, latest: end.latest + length };
    Window { start: end, end: next_end }
}

/// How long after its end a lease may be counted.
fn slack(windows: &Windows) -> Span {
    let slack = |limit: &Limit| limit.margins.guard.less(limit.margins.life);
    windows.limits().iter().map(slack).max().unwrap_or(Span::ZERO)
}
