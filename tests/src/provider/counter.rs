//! The provider's own count: windows, who is let in, lock-outs, others. Knows no clock and no HTTP.

use std::collections::VecDeque;

use super::recent::Recent;
use super::report::{Cause, NAMELESS, Report, Revision, TEAM_CHARS_MAX, Tally, Teams, Window};
use super::rules::{Change, Rules};

/// Windows that are kept after their end.
pub const WINDOWS_KEPT: usize = 1024;
/// Changes that are kept.
pub const REVISIONS_KEPT: usize = 256;
/// Requests to paths below this one start a job, of which too many are pending.
pub const JOB_PATH: &str = "/export/";

/// What becomes of one request, and what its response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The number of the request, from 1 on.
    pub number: u64,
    /// Why it is throttled, if it is.
    pub throttled: Option<Cause>,
    /// The limit of the window.
    pub limit: u64,
    /// What is left of it.
    pub remaining: u64,
    /// The end of the window, in nanoseconds since the epoch.
    pub reset_ns: u64,
    /// How long a lock-out lasts yet, in nanoseconds.
    pub locked_ns: Option<u64>,
    /// The last change that the response could know of.
    revision: u64,
    /// Requests of others, since the start, that it could know of.
    others: u64,
}

/// The count of one provider.
#[derive(Clone, Debug)]
pub struct Counter {
    rules: Rules,
    now_ns: u64,
    open: Window,
    closed: VecDeque<Window>,
    windows_forgotten: u64,
    recent: Recent,
    total: Tally,
    teams: Teams,
    answered: u64,
    others: u64,
    others_throttled: u64,
    next_other_ns: Option<u64>,
    /// Requests over the limit in the open window that count towards a lock-out.
    offences: u64,
    locked_until_ns: u64,
    clock_went_back: u64,
    revisions: VecDeque<(Revision, u64)>,
    revisions_forgotten: u64,
}

impl Counter {
    /// A provider that begins to count now.
    ///
    /// # Errors
    ///
    /// Names the first rule that is out of range.
    pub fn new(rules: Rules, now_ns: u64) -> Result<Self, String> {
        let rules = rules.checked()?;
        let mut counter = Self {
            open: Window::default(),
            now_ns,
            closed: VecDeque::new(),
            windows_forgotten: 0,
            recent: Recent::default(),
            total: Tally::default(),
            teams: Teams::default(),
            answered: 0,
            others: 0,
            others_throttled: 0,
            next_other_ns: rules.others_every_ns().map(|every| now_ns + every / 2),
            offences: 0,
            locked_until_ns: 0,
            clock_went_back: 0,
            revisions: VecDeque::new(),
            revisions_forgotten: 0,
            rules,
        };
        counter.open_at(now_ns);
        Ok(counter)
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Counts a request at the moment it arrives, and decides on it.
    pub fn arrive(&mut self, now_ns: u64, team: &str, path: &str) -> Verdict {
        self.advance(now_ns);
        let over = self.open.left() == 0;
        let throttled = self.cause(over, path);
        self.count(team, throttled, over);
        if over && throttled == Some(Cause::Limit) {
            self.offend();
        }
        let told = !matches!(throttled, Some(Cause::Forced | Cause::Locked));
        Verdict {
            number: self.total.arrivals,
            throttled,
            limit: self.rules.limit,
            remaining: if told { self.open.left() } else { 0 },
            reset_ns: self.open.end_ns,
            locked_ns: Some(self.locked_until_ns.saturating_sub(self.now_ns)).filter(|left| *left > 0),
            revision: self.revisions.back().map_or(0, |(revision, _)| revision.number),
            others: self.others,
        }
    }

    fn cause(&mut self, over: bool, path: &str) -> Option<Cause> {
        if self.rules.force_429 > 0 {
            self.rules.force_429 -= 1;
            return Some(Cause::Forced);
        }
        if self.now_ns < self.locked_until_ns {
            return Some(Cause::Locked);
        }
        if over {
            return Some(Cause::Limit);
        }
        path.starts_with(JOB_PATH).then_some(Cause::JobCap)
    }

    fn count(&mut self, team: &str, throttled: Option<Cause>, over: bool) {
        let cut = team.char_indices().nth(TEAM_CHARS_MAX).map_or(team.len(), |(at, _)| at);
        let team = if team.is_empty() { NAMELESS } else { &team[..cut] };
        self.total.count(throttled, over);
        self.teams.count(team, throttled, over);
        self.open.tally.count(throttled, over);
        self.open.teams.count(team, throttled, over);
        self.open.first_arrival_ns.get_or_insert(self.now_ns);
        self.open.last_arrival_ns = Some(self.now_ns);
        if let Some((last, _)) = self.revisions.back_mut() {
            let tally = if last.told_ns.is_some() { &mut last.told } else { &mut last.untold };
            tally.count(throttled, over);
        }
        if throttled.is_none() || self.rules.count_rejected {
            self.open.counted += 1;
            self.recent.add(self.now_ns, self.rules.window_ms);
        }
    }

    fn offend(&mut self) {
        self.offences += 1;
        if self.rules.penalty_after > 0 && self.offences >= self.rules.penalty_after {
            self.offences = 0;
            self.locked_until_ns = self.now_ns + self.rules.penalty_ms * 1_000_000;
        }
    }

    /// Notes that the response of a request is sent now.
    pub fn sent(&mut self, now_ns: u64, verdict: &Verdict) {
        self.advance(now_ns);
        self.answered += 1;
        for (revision, others_before) in &mut self.revisions {
            let change = &revision.change;
            let tells = change.limit.is_some()
                || change.phase_ms.is_some()
                || (change.others_percent.is_some() && verdict.others > *others_before)
                || (change.force_429.is_some() && verdict.throttled == Some(Cause::Forced));
            if tells && revision.told_ns.is_none() && verdict.revision >= revision.number {
                revision.told_ns = Some(self.now_ns);
            }
        }
    }

    /// Changes the rules.
    ///
    /// # Errors
    ///
    /// Names the first rule that would be out of range; nothing changes then.
    pub fn change(&mut self, now_ns: u64, change: Change) -> Result<(), String> {
        let rules = self.rules.after(&change)?;
        self.advance(now_ns);
        let before = std::mem::replace(&mut self.rules, rules);
        self.open.limit = self.rules.limit;
        if before.phase_ms != self.rules.phase_ms {
            self.shift();
        }
        if before.others_every_ns() != self.rules.others_every_ns() {
            self.next_other_ns = self.rules.others_every_ns().map(|every| self.now_ns + every / 2);
        }
        let number = self.revisions.back().map_or(0, |(last, _)| last.number) + 1;
        let (untold, told) = (Tally::default(), Tally::default());
        let revision = Revision { number, at_ns: self.now_ns, change, told_ns: None, untold, told };
        self.revisions.push_back((revision, self.others));
        if self.revisions.len() > REVISIONS_KEPT {
            self.revisions.pop_front();
            self.revisions_forgotten += 1;
        }
        Ok(())
    }

    /// Cuts the open window and opens the one that a new phase puts in its place.
    fn shift(&mut self) {
        self.open.end_ns = self.now_ns;
        self.close();
        self.open_at(self.now_ns);
        self.open.carried = self.recent.since(self.open.start_ns.div_ceil(1_000_000));
        self.open.counted = self.open.carried;
    }

    /// Lets time pass: ends windows, and lets the other consumer send.
    pub fn advance(&mut self, now_ns: u64) {
        self.clock_went_back += u64::from(now_ns < self.now_ns);
        let now_ns = now_ns.max(self.now_ns);
        self.skip(now_ns);
        loop {
            while let Some(at_ns) =
                self.next_other_ns.filter(|at_ns| *at_ns <= now_ns && *at_ns < self.open.end_ns)
            {
                self.other(at_ns);
            }
            if now_ns < self.open.end_ns {
                break;
            }
            let end_ns = self.open.end_ns;
            self.close();
            self.open_at(end_ns);
        }
        self.now_ns = now_ns;
    }

    /// Passes over windows of which none would be kept.
    fn skip(&mut self, now_ns: u64) {
        let missed = now_ns.saturating_sub(self.open.end_ns) / self.rules.window_ns();
        if usize::try_from(missed).is_ok_and(|missed| missed <= WINDOWS_KEPT) {
            return;
        }
        self.close();
        self.windows_forgotten += missed;
        self.open_at(now_ns);
        self.next_other_ns = self.rules.others_every_ns().map(|every| now_ns + every / 2);
    }

    /// One request of the other consumer.
    fn other(&mut self, at_ns: u64) {
        let fits = self.open.left() > 0;
        if fits {
            self.others += 1;
            self.open.others += 1;
        } else {
            self.others_throttled += 1;
            self.open.others_throttled += 1;
        }
        if fits || self.rules.count_rejected {
            self.open.counted += 1;
            self.recent.add(at_ns, self.rules.window_ms);
        }
        self.next_other_ns = self.rules.others_every_ns().map(|every| at_ns + every);
    }

    fn close(&mut self) {
        self.closed.push_back(std::mem::take(&mut self.open));
        if self.closed.len() > WINDOWS_KEPT {
            self.closed.pop_front();
            self.windows_forgotten += 1;
        }
    }

    fn open_at(&mut self, at_ns: u64) {
        let start_ns = self.rules.window_start_ns(at_ns);
        let end_ns = start_ns + self.rules.window_ns();
        self.open = Window { start_ns, end_ns, limit: self.rules.limit, ..Window::default() };
        self.offences = 0;
    }

    /// All that was counted, with at most `last` windows that ended.
    pub fn report(&mut self, now_ns: u64, last: usize) -> Report {
        self.advance(now_ns);
        let older = self.closed.len().saturating_sub(last);
        Report {
            now_ns: self.now_ns,
            rules: self.rules.clone(),
            total: self.total,
            teams: self.teams.clone(),
            answered: self.answered,
            others: self.others,
            others_throttled: self.others_throttled,
            locked_until_ns: self.locked_until_ns,
            clock_went_back: self.clock_went_back,
            open: self.open.clone(),
            windows: self.closed.iter().skip(older).cloned().collect(),
            windows_forgotten: self.windows_forgotten,
            revisions: self.revisions.iter().map(|(revision, _)| revision.clone()).collect(),
            revisions_forgotten: self.revisions_forgotten,
        }
    }
}

#[cfg(test)]
mod tests;
