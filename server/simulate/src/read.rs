//! From the bytes of a scenario file to a trial: what to play and what to expect of it.

use crate::expectation::{self, Expected};
use crate::extent::Extent;
use crate::fault::{Checked, Fault, SimulateError};
use crate::format::ScenarioFile;
use crate::{demand, events, workspace};
use apportion_core::scenario::Scenario;
use std::collections::BTreeSet;
use std::path::Path;

/// The largest scenario file, in bytes.
const FILE_MAX: u64 = 64 << 20;

/// One scenario file, read and checked.
#[derive(Debug)]
pub struct Trial {
    /// Its `id`.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) about: String,
    /// What to play.
    pub(crate) scenario: Scenario,
    /// What must come out.
    pub(crate) expected: Vec<Expected>,
}

/// Reads and checks a file.
///
/// # Errors
/// [`SimulateError`] where the file cannot be read, or breaks a rule.
pub fn load(path: &Path) -> Result<Trial, SimulateError> {
    let file = path.display().to_string();
    let of_file = |source| SimulateError::File { file: file.clone(), source };
    if std::fs::metadata(path).map_err(of_file)?.len() > FILE_MAX {
        let fault = Fault::new("", format!("the file is too large, at most {FILE_MAX} bytes"));
        return Err(SimulateError::Scenario { file, fault });
    }
    let bytes = std::fs::read(path).map_err(of_file)?;
    parse(&bytes).map_err(|fault| SimulateError::Scenario { file, fault })
}

/// Reads and checks the text of a file.
pub(crate) fn parse(bytes: &[u8]) -> Checked<Trial> {
    let file = syntax(bytes)?;
    let policy = workspace::policy(&file.workspace)?;
    let origin = workspace::origin(&policy)?;
    let mut extent = Extent::new(&policy, origin, file.windows)?;
    let tags: BTreeSet<_> = file.demand.iter().filter_map(|demand| demand.tag.as_deref()).collect();
    let events = events::events(&mut extent, &policy, &file.events, &tags)?;
    let demand = demand::demands(&extent, &file.demand)?;
    let expected = expectation::read(&extent, &file.expect, &tags)?;
    let start_within = workspace::start_within(&file.workspace, &policy)?;
    let scenario = Scenario { policy, origin, start_within, windows: extent.windows, demand, events };
    Ok(Trial { id: file.id, about: file.about, scenario, expected })
}

fn syntax(bytes: &[u8]) -> Checked<ScenarioFile> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let file = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Fault::new(field, error.into_inner().to_string())
    })?;
    from.end().map_err(|error| Fault::new("", error.to_string()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::permits::Permits;
    use apportion_core::priority::Priority;
    use apportion_core::scenario::Change;
    use apportion_core::time::{Span, Timestamp};
    use std::collections::BTreeMap;

    const EVERYTHING: &str = r#"{
        "id": "e", "windows": 6,
        "workspace": {
            "limits": [
                {"id": "minute", "window_s": 60, "budget": 400, "guard_s": 1},
                {"id": "ten", "window_s": 10, "budget": 100, "phase_s": 2.5, "guard_s": 0.5,
                 "start_margin_s": 0.25, "start_within_s": 1}
            ],
            "edge": ["CRITICAL"],
            "spare_edge": true,
            "teams": [{"id": "A", "priority": "SHEDDABLE", "highest_priority": "DEFAULT", "cap": null}]
        },
        "demand": [
            {"team": "A", "permits": 4, "min_permits": 2, "callers": 3, "backlog_from_s": -0.001},
            {"team": "new", "caller": "me", "permits": 1, "count": 1, "at_s": 12, "tag": "n"}
        ],
        "events": [
            {"at_s": 5, "add_team": {"id": "new", "weight": 2}},
            {"at_s": 6, "set_budget": {"limit": "ten", "permits": 50}},
            {"at_s": 7, "upstream": {"limit": "minute", "remaining": 3, "throttled": true}},
            {"at_s": 8, "set_team": {"id": "A", "cap": null, "highest_priority": "CRITICAL"}},
            {"at_s": 30, "remove_team": "new"}
        ],
        "expect": [{"kind": "granted", "team": "A", "caller": "caller-1", "window": 0, "value": 30}]
    }"#;

    #[test]
    fn every_key_of_the_format_is_read() {
        let Trial { scenario, expected, .. } = parse(EVERYTHING.as_bytes()).unwrap();
        assert_eq!(scenario.policy.primary_limit(), 1);
        assert_eq!(scenario.origin, Timestamp::ZERO + Span::from_ms(86_400_000 + 2_500));
        assert!(scenario.policy.edge[Priority::Critical] && scenario.policy.spare_edge);
        let ten = &scenario.policy.limits[1];
        assert_eq!(scenario.start_within, BTreeMap::from([(ten.id.clone(), Span::from_secs(1))]));
        assert_eq!((ten.margins.start, ten.margins.life), (Span::from_ms(250), Span::from_ms(250)));
        assert_eq!(scenario.policy.teams[0].highest_priority, Priority::Default);
        let callers: Vec<_> = scenario.demand.iter().map(|demand| demand.caller.as_str()).collect();
        assert_eq!(callers, ["caller-0", "caller-1", "caller-2", "me"]);
        assert_eq!(Some(scenario.demand[0].min_permits), Permits::new(2));
        assert!(matches!(scenario.events[3].what, Change::SetTeam { cap: Some(None), .. }));
        assert!(matches!(scenario.events[2].what, Change::Upstream { throttled: true, .. }));
        assert_eq!(expected.len(), 1);
    }

    #[test]
    fn without_a_name_a_budget_needs_a_single_limit() {
        let text = EVERYTHING.replace(r#"{"limit": "ten", "permits": 50}"#, "50");
        assert_eq!(parse(text.as_bytes()).unwrap_err().field, "events[1].set_budget.limit");
    }
}
