//! The measurements of the demo, compared with its targets.

use std::fmt::{Display, Formatter};

use super::measurements::Measurements;
use super::plan::{CRM, Cast, SUPPORT, SYNC};
use super::text::percent;

/// Least utilisation of all windows together.
const UTILISATION: f64 = 0.99;
/// Least utilisation of each window.
const WINDOW_UTILISATION: f64 = 0.97;
/// Longest wait of the support desk at the 99th percentile, in seconds.
const SUPPORT_WAIT_S: f64 = 0.020;
/// How far shares may deviate from the weights.
const DEVIATION: f64 = 0.08;

/// One target, and whether it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was measured, and the target.
    pub text: String,
    /// Whether it was met.
    pub is_met: bool,
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.is_met { "met   " } else { "MISSED" }, self.text)
    }
}

/// The targets of the round through Apportion; the first also counts the round without it, if that was played.
pub fn targets(cast: Cast, with: &Measurements, without: Option<&Measurements>) -> Vec<Target> {
    let mut targets = budget(with, without);
    match cast {
        Cast::Departments => targets.extend(departments(cast, with)),
        Cast::Languages => targets.extend(languages(cast, with)),
    }
    targets
}

/// Nothing above the limit, and nothing wasted.
fn budget(with: &Measurements, without: Option<&Measurements>) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut target = |is_met, text| targets.push(Target { text, is_met });
    let other = without.map_or(String::new(), |without| format!(" (each on its own: {})", without.throttled));
    // Nothing to prevent, nothing shown.
    let is_shown = without.is_none_or(|without| without.throttled > 0);
    target(
        with.throttled == 0 && is_shown,
        format!("throttled by the provider: {}{other}, target 0", with.throttled),
    );
    let (all, least) = with.utilisation();
    let text = format!("utilisation: {}, target {}", percent(all), percent(UTILISATION));
    target(all >= UTILISATION, text);
    let text =
        format!("utilisation of each window: {}, target {}", percent(least), percent(WINDOW_UTILISATION));
    target(least >= WINDOW_UTILISATION, text);
    targets
}

/// The urgent one does not wait, and the others share by weight.
fn departments(cast: Cast, with: &Measurements) -> Vec<Target> {
    let wait = with.wait_s(SUPPORT, 990);
    let ms = |seconds: f64| format!("{:.1} ms", seconds * 1000.0);
    let waited = wait.map_or("no request".into(), ms);
    let mut targets = vec![Target {
        text: format!("support wait, p99: {waited}, target {}", ms(SUPPORT_WAIT_S)),
        is_met: wait.is_some_and(|wait| wait <= SUPPORT_WAIT_S),
    }];
    targets.extend(with.ratio(SYNC, CRM).map(|ratio| {
        let due = weight(cast, SYNC) / weight(cast, CRM);
        let allowed = format!("target {due:.2} : 1 ± {:.0} %", DEVIATION * 100.0);
        Target {
            text: format!("sync : crm from the third window on: {ratio:.2} : 1, {allowed}"),
            is_met: is_near(ratio, due),
        }
    }));
    targets
}

/// Each gets its share, in whatever language it is written.
fn languages(cast: Cast, with: &Measurements) -> Vec<Target> {
    let services = cast.services();
    let all: f64 = (0..services.len()).map(|team| weight(cast, team)).sum();
    let shares = services.iter().enumerate().filter_map(|(team, service)| {
        let (share, due) = (with.share(team)?, weight(cast, team) / all);
        let allowed = format!("target {} ± {:.0} % of it", percent(due), DEVIATION * 100.0);
        let text =
            format!("share of {} from the third window on: {}, {allowed}", service.team, percent(share));
        Some(Target { text, is_met: is_near(share, due) })
    });
    shares.collect()
}

fn is_near(measured: f64, due: f64) -> bool {
    (measured / due - 1.0).abs() <= DEVIATION
}

fn weight(cast: Cast, team: usize) -> f64 {
    cast.services()[team].weight.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::measurements::{Wait, WindowCount};

    fn measured<const N: usize>(accepted: [u64; N], throttled: u64, waited_s: f64) -> Measurements {
        let windows = vec![WindowCount { limit: 100, accepted: accepted.into(), throttled }; 3];
        let mut waits = vec![vec![]; N];
        waits[SUPPORT].push(Wait { issued_s: 0.0, waited_s, is_accepted: true });
        Measurements { windows, throttled, waits }
    }

    fn met(with: &Measurements, without: Option<&Measurements>) -> Vec<bool> {
        targets(Cast::Departments, with, without).iter().map(|target| target.is_met).collect()
    }

    #[test]
    fn a_language_that_gets_too_little_misses_its_share() {
        let met = |accepted: [u64; 5]| {
            let targets = targets(Cast::Languages, &measured(accepted, 0, 1.0), None);
            targets.iter().map(|target| target.is_met).collect::<Vec<_>>()
        };
        assert_eq!(met([20, 21, 20, 20, 19]), [true; 8]);
        assert_eq!(met([20, 18, 20, 20, 22]), [true, true, true, true, false, true, true, false]);
    }

    #[test]
    fn each_target_is_missed_on_its_own() {
        let good = measured([20, 54, 18, 8], 0, 0.02);
        assert_eq!(met(&good, None), [true; 5]);
        assert_eq!(met(&measured([20, 54, 18, 8], 1, 0.02), None), [false, true, true, true, true]);
        assert_eq!(met(&measured([18, 54, 18, 8], 0, 0.02), None), [true, false, true, true, true]);
        assert_eq!(met(&measured([16, 54, 18, 8], 0, 0.02), None), [true, false, false, true, true]);
        assert_eq!(met(&measured([20, 54, 18, 8], 0, 0.021), None), [true, true, true, false, true]);
        assert_eq!(met(&measured([20, 54, 16, 10], 0, 0.02), None), [true, true, true, true, false]);
        assert_eq!(met(&good, Some(&good)), [false, true, true, true, true], "nothing to prevent");
        assert_eq!(met(&good, Some(&measured([1; 4], 9, 1.0))), [true; 5]);
    }
}
