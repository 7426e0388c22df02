//! One round of the demo as it was recorded: the provider's count, and the outcomes that the services reported.

use super::outcome::Outcome;
use super::plan::Plan;
use crate::provider::Report;
use crate::provider::report::Window;

/// What was recorded of one round.
#[derive(Clone, Debug)]
pub struct Round {
    /// When its first window started, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// The provider's own count.
    pub report: Report,
    /// What each service reported.
    pub outcomes: Vec<Vec<Outcome>>,
}

impl Round {
    /// The windows of the round, by the provider's own count.
    pub fn windows(&self, plan: &Plan) -> impl Iterator<Item = &Window> {
        let (start_ns, end_ns) = (self.start_ns, self.start_ns + plan.length_ns());
        let all = self.report.windows.iter().chain([&self.report.open]);
        all.filter(move |window| (start_ns..end_ns).contains(&window.start_ns))
    }
}
