//! One scenario on a laboratory: its faults, with when they came and ended, and what was seen meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lab::Lab;
use super::resources::Resources;
use crate::provider::realtime_ns;
use crate::provider::report::Window;

/// How long before the end of a window the next one is booked from, in nanoseconds: a fault there is one of both.
const AHEAD_NS: u64 = 1_200_000_000;
/// How much of a window must be left for what a fault spared to be used up, in nanoseconds.
const ENOUGH_NS: u64 = 3_500_000_000;

/// One fault.
#[derive(Clone, Copy, Debug)]
struct Fault {
    at_ns: u64,
    granted_ns: u64,
    healed_ns: u64,
}

/// A scenario that was played.
#[derive(Debug)]
pub struct Trial {
    /// Its name.
    pub name: String,
    /// How long the next grant took, or how long there was none, for each fault.
    pub next: Vec<Duration>,
    /// The most that any node held afterwards.
    pub resources: Resources,
    started_ns: u64,
    ended_ns: u64,
    faults: Vec<Fault>,
}

impl Trial {
    /// Begins a scenario.
    pub(super) fn start(name: impl Into<String>) -> Self {
        let (next, faults, started_ns) = (Vec::new(), Vec::new(), realtime_ns());
        Self { name: name.into(), next, resources: Resources::default(), started_ns, ended_ns: 0, faults }
    }

    /// A fault comes now.
    pub(super) fn fault(&mut self) {
        let at_ns = realtime_ns();
        self.faults.push(Fault { at_ns, granted_ns: at_ns, healed_ns: at_ns });
    }

    /// The first grant after the fault came now, so long after it.
    pub(super) fn granted(&mut self, took: Duration) {
        self.next.push(took);
        self.faults.last_mut().expect("a fault").granted_ns = realtime_ns();
    }

    /// The fault is over, and nothing of it is left.
    pub(super) fn healed(&mut self) {
        self.faults.last_mut().expect("a fault").healed_ns = realtime_ns();
    }

    /// Ends the scenario.
    pub(super) async fn end(mut self, lab: &Lab) -> Self {
        lab.settled().await;
        if !self.faults.is_empty() {
            self.healed();
        }
        (self.ended_ns, self.resources) = (realtime_ns(), lab.resources());
        println!("{}: {:?}", self.name, self.next);
        self
    }

    /// How many faults there were.
    pub fn runs(&self) -> usize {
        self.faults.len()
    }

    /// Whether something at that time belongs to this scenario.
    pub(super) fn contains(&self, at_ns: u64) -> bool {
        (self.started_ns..self.ended_ns).contains(&at_ns)
    }

    /// Whether a window was touched by a fault.
    pub(super) fn touches(&self, window: &Window) -> bool {
        let touches =
            |fault: &Fault| fault.at_ns < window.end_ns && window.start_ns < fault.healed_ns + AHEAD_NS;
        self.faults.iter().any(touches)
    }

    /// Permits of a window that were not used although grants went on for long enough: of the worst window.
    pub(super) fn wasted(&self, windows: &BTreeMap<u64, Window>) -> Option<u64> {
        let of = |fault: &Fault| {
            let next = |at_ns| windows.range(..=at_ns).next_back().map(|(_, window)| window);
            let window = next(fault.granted_ns)?;
            let window = if window.end_ns.saturating_sub(fault.granted_ns) < ENOUGH_NS {
                next(window.end_ns)?
            } else {
                window
            };
            // The window of the fault itself, or else one that nothing has kept from being used up.
            let is_whole = fault.at_ns >= window.start_ns || fault.granted_ns < window.start_ns;
            is_whole.then(|| window.limit.saturating_sub(window.tally.accepted))
        };
        self.faults.iter().filter_map(of).max()
    }

    /// Arrivals above the limit in windows of this scenario.
    pub(super) fn over(&self, windows: &BTreeMap<u64, Window>) -> u64 {
        let within =
            windows.values().filter(|window| self.contains(window.start_ns) || self.contains(window.end_ns));
        within.map(|window| window.tally.over_limit + window.tally.throttled).sum()
    }
}
