//! What the demo shows, held against what it is meant to show.

use std::fmt::{Display, Formatter};

use super::figures::Figures;
use super::plan::{CAST, CRM, SUPPORT, SYNC};

/// Least part of all windows that is to get through.
const UTILISATION: f64 = 0.99;
/// Least part of each window.
const UTILISATION_OF_EACH: f64 = 0.97;
/// Longest wait of all but one in a hundred of the support desk's requests, in seconds.
const SUPPORT_WAIT_S: f64 = 0.020;
/// How far the parts may be off the weights.
const OFF: f64 = 0.08;

/// One aim, and whether it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// What is held against it, with its figure.
    pub text: String,
    /// Whether it was met.
    pub met: bool,
}

impl Display for Aim {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.met { "met   " } else { "MISSED" }, self.text)
    }
}

/// The aims, for what went through Apportion; the first also for what went without it, where that was played.
pub fn verdict(with: &Figures, without: Option<&Figures>) -> Vec<Aim> {
    let mut aims = Vec::new();
    let mut aim = |met, text| aims.push(Aim { text, met });
    let beside = without.map_or(String::new(), |without| format!(" (on their own: {})", without.throttled));
    let shown = without.is_none_or(|without| without.throttled > 0);
    aim(
        with.throttled == 0 && shown,
        format!("throttled by the provider: {}{beside}, aim 0", with.throttled),
    );
    let (all, least) = with.utilisation();
    let text = |part: f64| format!("{:.1} %", part * 100.0);
    aim(all >= UTILISATION, format!("utilisation of all windows: {}, aim {}", text(all), text(UTILISATION)));
    let each = format!("utilisation of each window: {}, aim {}", text(least), text(UTILISATION_OF_EACH));
    aim(least >= UTILISATION_OF_EACH, each);
    let wait = with.wait_s(SUPPORT, 990);
    let ms = |seconds: f64| format!("{:.1} ms", seconds * 1000.0);
    let text =
        format!("support waits, p99: {}, aim {}", wait.map_or("no request".into(), ms), ms(SUPPORT_WAIT_S));
    aim(wait.is_some_and(|wait| wait <= SUPPORT_WAIT_S), text);
    if let Some(share) = with.sync_for_each_crm() {
        let due = weight(SYNC) / weight(CRM);
        let text = format!(
            "sync : crm from the third window on: {share:.2} : 1, aim {due:.2} ± {:.0} %",
            OFF * 100.0
        );
        aim((share / due - 1.0).abs() <= OFF, text);
    }
    aims
}

fn weight(role: usize) -> f64 {
    CAST[role].weight.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::figures::{Counted, Wait};

    fn figures(through: [u64; 4], throttled: u64, waited_s: f64) -> Figures {
        let windows = vec![Counted { limit: 100, through, throttled }; 3];
        let wait = Wait { at_s: 0.0, waited_s, through: true };
        Figures { windows, throttled, waits: [vec![wait], vec![], vec![], vec![]] }
    }

    fn met(with: &Figures, without: Option<&Figures>) -> Vec<bool> {
        verdict(with, without).iter().map(|aim| aim.met).collect()
    }

    #[test]
    fn each_aim_is_missed_by_what_misses_it_alone() {
        let good = figures([20, 54, 18, 8], 0, 0.02);
        assert_eq!(met(&good, None), [true; 5]);
        assert_eq!(met(&figures([20, 54, 18, 8], 1, 0.02), None), [false, true, true, true, true]);
        assert_eq!(met(&figures([18, 54, 18, 8], 0, 0.02), None), [true, false, true, true, true]);
        assert_eq!(met(&figures([16, 54, 18, 8], 0, 0.02), None), [true, false, false, true, true]);
        assert_eq!(met(&figures([20, 54, 18, 8], 0, 0.021), None), [true, true, true, false, true]);
        assert_eq!(met(&figures([20, 54, 16, 10], 0, 0.02), None), [true, true, true, true, false]);
        assert_eq!(met(&good, Some(&good)), [false, true, true, true, true], "nothing to keep away");
        assert_eq!(met(&good, Some(&figures([1; 4], 9, 1.0))), [true; 5]);
    }
}
