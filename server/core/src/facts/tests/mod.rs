//! Scripts of what a provider says about a limit of 166 permits in windows of 10 seconds, from the window that
//! starts at 1000 seconds.

mod absurdities;
mod arcs;
mod budgets;
mod cooldowns;
mod external_use;
mod random;
mod resets;
mod restarts;

use super::{Basis, Facts, Finding, Learned, PhaseInterval, Seen, Sent};
use crate::ids::LimitId;
use crate::observation::{Observation, Reset};
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Margins};
use crate::request::LeaseId;
use crate::time::{Span, Timestamp};
use crate::window::Window;

const SECOND: u64 = 1_000;

fn permits(n: u32) -> Permits {
    Permits::new(n).unwrap()
}

/// `ms` milliseconds after 1000 seconds.
fn at(ms: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_secs(1_000) + Span::from_ms(ms)
}

fn limit_id() -> LimitId {
    LimitId::new("app").unwrap()
}

fn policy(budget: u32, window_ms: u64, phase_ms: u64) -> LimitPolicy {
    LimitPolicy {
        id: limit_id(),
        permits: permits(budget),
        window: Span::from_ms(window_ms),
        phase: Span::from_ms(phase_ms),
        margins: Margins::DEFAULT,
    }
}

/// A response of the provider, as it is put together.
#[derive(Clone)]
struct Response {
    observation: Observation,
    lease_window: Option<Window>,
    known: bool,
    /// Its lease was granted then, when so much had been reported as used; nothing: now, and everything.
    sent: Option<Sent>,
}

/// A response under a lease that is known here.
fn under(lease: u64) -> Response {
    let mut observation = Observation::new(limit_id());
    observation.lease = Some(LeaseId(lease));
    Response { observation, lease_window: None, known: true, sent: None }
}

/// A response under a lease that nobody here remembers.
fn under_forgotten(lease: u64) -> Response {
    Response { known: false, ..under(lease) }
}

impl Response {
    fn limit(mut self, n: u32) -> Self {
        self.observation.permits = Some(permits(n));
        self
    }

    fn left(mut self, n: u32) -> Self {
        self.observation.remaining = Some(permits(n));
        self
    }

    fn throttled(mut self) -> Self {
        self.observation.throttled = true;
        self
    }

    fn retry_at(mut self, ms: u64) -> Self {
        self.observation.retry_at = Some(at(ms));
        self
    }

    /// A reset in whole seconds.
    fn reset(self, ms: u64) -> Self {
        self.reset_within(ms, SECOND)
    }

    fn reset_within(mut self, ms: u64, within_ms: u64) -> Self {
        self.observation.reset = Some(Reset { at: at(ms), within: Span::from_ms(within_ms) });
        self
    }

    /// Its lease was granted then, when so much had been reported as used.
    fn granted_at(mut self, ms: u64, spent: u32) -> Self {
        self.sent = Some(Sent { after: at(ms), spent: permits(spent) });
        self
    }

    fn of_window(mut self, window: Window) -> Self {
        self.lease_window = Some(window);
        self
    }
}

/// The service's side: what it knows, and what it granted of the current window.
struct Service {
    facts: Facts,
    now: Timestamp,
    window: Window,
    budget: Permits,
    granted: Permits,
}

impl Service {
    fn new() -> Self {
        Self::remembering(0)
    }

    fn remembering(windows: u32) -> Self {
        Self::with(Facts::new(&policy(166, 10 * SECOND, 0), Timestamp::ZERO, windows, None))
    }

    fn restarted(learned: &Learned, windows: u32) -> Self {
        Self::with(Facts::new(&policy(166, 10 * SECOND, 0), Timestamp::ZERO, windows, Some(learned)))
    }

    fn with(facts: Facts) -> Self {
        let (window, budget) = (facts.grid().at(at(0)), facts.budget());
        let mut service = Self { facts, now: at(0), window, budget, granted: Permits::ZERO };
        service.facts.roll(&window);
        service
    }

    /// Time goes on; a window that starts meanwhile starts with nothing granted.
    fn time_is(&mut self, ms: u64) {
        self.now = at(ms);
        let window = self.facts.grid().at(self.now);
        if window != self.window {
            (self.window, self.budget, self.granted) = (window, self.facts.budget(), Permits::ZERO);
            self.facts.roll(&window);
        }
    }

    fn grants(&mut self, n: u32) {
        self.granted += permits(n);
    }

    fn receives(&mut self, response: Response) -> Finding {
        let now = Sent { after: self.now, spent: self.granted };
        let seen = Seen {
            current: &self.window,
            budget: self.budget,
            granted: self.granted,
            lease_window: response.lease_window,
            sent: response.known.then(|| response.sent.unwrap_or(now)),
        };
        let finding = self.facts.observe(self.now, &response.observation, &seen);
        if let Some(budget) = finding.budget {
            self.budget = budget;
        }
        finding
    }

    /// The phase as known, in milliseconds: the least and the most it may be.
    fn phase_ms(&self) -> (u64, u64) {
        let (least, width) = (self.facts.grid().phase().as_ns(), self.facts.grid().width().as_ns());
        (least / 1_000_000, (least + width) / 1_000_000)
    }
}
