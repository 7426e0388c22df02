//! The runbook: a section for each alert, where the alert's link leads, and none for others.

use crate::files::{after, read};

const RULES: &str = "deploy/monitoring/apportion.rules.yml";

#[test]
fn each_alert_has_a_section_in_the_runbook_with_what_to_do_and_links_to_it() {
    let (rules, runbook) = (read(RULES), read("docs/runbook.md"));
    let alerts = after(&rules, "- alert:");
    assert_eq!(after(&runbook, "### "), alerts, "sections of the runbook, and alerts in their order");
    let links: Vec<_> = alerts
        .iter()
        .map(|alert| format!("https://apportion.dev/docs/runbook#{}", alert.to_lowercase()))
        .collect();
    assert_eq!(after(&rules, "runbook_url:"), links, "each alert links to its section");
    for section in runbook.split("\n### ").skip(1) {
        let name = section.lines().next().unwrap_or_default();
        assert!(section.contains("\n**Means:** "), "{name} does not say what it means");
        assert!(section.contains("**Look"), "{name} does not say where to look");
        assert!(
            section.contains("**Do:** ") || section.contains(" and do:** "),
            "{name} does not say what to do"
        );
    }
    let documented = read("docs/metrics.md");
    let listed: Vec<_> = alerts
        .iter()
        .filter(|alert| !documented.contains(&format!("[`{alert}`](runbook.md#{})", alert.to_lowercase())))
        .collect();
    assert!(listed.is_empty(), "docs/metrics.md does not list {listed:?}");
}
