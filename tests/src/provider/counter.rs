//! The provider's own count: windows, which requests are accepted, lock-outs, the other consumer. Knows no clock and no HTTP.

use std::collections::VecDeque;

use super::recent::Recent;
use super::report::{Cause, NAMELESS, Report, TEAM_CHARS_MAX, Tally, Teams, Window};
use super::revisions::Revisions;
use super::rules::{Change, Rules};
use super::verdict::Verdict;

/// Windows that are kept after their end.
pub const WINDOWS_KEPT: usize = 1024;
/// Requests to paths below this one start a job, and too many jobs are pending.
pub const JOB_PATH: &str = "/export/";

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
    external: u64,
    external_throttled: u64,
    next_external_ns: Option<u64>,
    /// Requests over the limit in the open window that count towards a lock-out.
    offences: u64,
    locked_until_ns: u64,
    clock_went_back: u64,
    revisions: Revisions,
}

impl Counter {
    /// A provider that starts to count now.
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
            external: 0,
            external_throttled: 0,
            next_external_ns: rules.external_interval_ns().map(|every| now_ns + every / 2),
            offences: 0,
            locked_until_ns: 0,
            clock_went_back: 0,
            revisions: Revisions::default(),
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
        let is_over = self.open.left() == 0;
        let throttled = self.cause(is_over, path);
        self.count(team, throttled, is_over);
        if is_over && throttled == Some(Cause::Limit) {
            self.offend();
        }
        // A lock-out says nothing of the window.
        let shows_window = !matches!(throttled, Some(Cause::Forced | Cause::Locked));
        Verdict {
            number: self.total.arrivals,
            throttled,
            limit: self.rules.limit,
            remaining: if shows_window { self.open.left() } else { 0 },
            reset_ns: self.open.end_ns,
            locked_ns: Some(self.locked_until_ns.saturating_sub(self.now_ns)).filter(|left| *left > 0),
            revision: self.revisions.last_number(),
            external: self.external,
        }
    }

    fn cause(&mut self, is_over: bool, path: &str) -> Option<Cause> {
        if self.rules.force_429 > 0 {
            self.rules.force_429 -= 1;
            return Some(Cause::Forced);
        }
        if self.now_ns < self.locked_until_ns {
            return Some(Cause::Locked);
        }
        if is_over {
            return Some(Cause::Limit);
        }
        path.starts_with(JOB_PATH).then_some(Cause::JobCap)
    }

    fn count(&mut self, team: &str, throttled: Option<Cause>, is_over: bool) {
        let cut = team.char_indices().nth(TEAM_CHARS_MAX).map_or(team.len(), |(at, _)| at);
        let team = if team.is_empty() { NAMELESS } else { &team[..cut] };
        self.total.count(throttled, is_over);
        self.teams.count(team, throttled, is_over);
        self.open.tally.count(throttled, is_over);
        self.open.teams.count(team, throttled, is_over);
        self.open.first_arrival_ns.get_or_insert(self.now_ns);
        self.open.last_arrival_ns = Some(self.now_ns);
        self.revisions.count(throttled, is_over);
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

    /// Records that the response to a request is sent now.
    pub fn sent(&mut self, now_ns: u64, verdict: &Verdict) {
        self.advance(now_ns);
        self.answered += 1;
        self.revisions.show(self.now_ns, verdict);
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
        if before.external_interval_ns() != self.rules.external_interval_ns() {
            self.next_external_ns = self.rules.external_interval_ns().map(|every| self.now_ns + every / 2);
        }
        self.revisions.add(self.now_ns, change, self.external);
        Ok(())
    }

    /// Closes the open window early, and opens the one in which the present time lies under a new phase.
    fn shift(&mut self) {
        self.open.end_ns = self.now_ns;
        self.close();
        self.open_at(self.now_ns);
        self.open.carried = self.recent.since(self.open.start_ns.div_ceil(1_000_000));
        self.open.counted = self.open.carried;
    }

    /// Lets time pass: closes windows, and counts the requests of the other consumer.
    pub fn advance(&mut self, now_ns: u64) {
        self.clock_went_back += u64::from(now_ns < self.now_ns);
        let now_ns = now_ns.max(self.now_ns);
        self.skip(now_ns);
        loop {
            while let Some(at_ns) =
                self.next_external_ns.filter(|at_ns| *at_ns <= now_ns && *at_ns < self.open.end_ns)
            {
                self.count_external(at_ns);
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

    /// Skips windows that would not be kept.
    fn skip(&mut self, now_ns: u64) {
        let missed = now_ns.saturating_sub(self.open.end_ns) / self.rules.window_ns();
        if usize::try_from(missed).is_ok_and(|missed| missed <= WINDOWS_KEPT) {
            return;
        }
        self.close();
        self.windows_forgotten += missed;
        self.open_at(now_ns);
        self.next_external_ns = self.rules.external_interval_ns().map(|every| now_ns + every / 2);
    }

    /// One request of the other consumer.
    fn count_external(&mut self, at_ns: u64) {
        let is_accepted = self.open.left() > 0;
        if is_accepted {
            self.external += 1;
            self.open.external += 1;
        } else {
            self.external_throttled += 1;
            self.open.external_throttled += 1;
        }
        if is_accepted || self.rules.count_rejected {
            self.open.counted += 1;
            self.recent.add(at_ns, self.rules.window_ms);
        }
        self.next_external_ns = self.rules.external_interval_ns().map(|every| at_ns + every);
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

    /// All that was counted, with at most `last` closed windows.
    pub fn report(&mut self, now_ns: u64, last: usize) -> Report {
        self.advance(now_ns);
        let older = self.closed.len().saturating_sub(last);
        Report {
            now_ns: self.now_ns,
            rules: self.rules.clone(),
            total: self.total,
            teams: self.teams.clone(),
            answered: self.answered,
            external: self.external,
            external_throttled: self.external_throttled,
            locked_until_ns: self.locked_until_ns,
            clock_went_back: self.clock_went_back,
            open: self.open.clone(),
            windows: self.closed.iter().skip(older).cloned().collect(),
            windows_forgotten: self.windows_forgotten,
            revisions: self.revisions.kept(),
            revisions_forgotten: self.revisions.forgotten(),
        }
    }
}

#[cfg(test)]
mod tests;
