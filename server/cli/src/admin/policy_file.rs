//! The file of `apportion apply`: workspaces with their limits, teams and domains, in TOML.

mod domain;
mod limit;
mod table;
mod team;
mod workspace;

use apportion_proto::v1;
use apportion_server::definition;
use domain::DomainTable;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use workspace::WorkspaceTable;

/// A workspace, its teams and its domains as they are to be, every default written out; a parent comes before its child teams.
pub(super) struct DesiredPolicy {
    pub(super) value: v1::Workspace,
    pub(super) teams: Vec<v1::Team>,
    pub(super) domains: Vec<v1::Domain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    workspace: Vec<WorkspaceTable>,
}

/// The largest file, in bytes.
const FILE_MAX: u64 = 64 << 20;

/// Reads a file; `-` is standard input.
///
/// # Errors
/// A human-readable message where the file cannot be read, or does not define workspaces.
pub(super) fn read(path: &Path) -> Result<Vec<DesiredPolicy>, String> {
    let (shown, from): (_, io::Result<Box<dyn Read>>) = match path.to_str() {
        Some("-") => ("standard input".into(), Ok(Box::new(io::stdin()))),
        _ => (path.display().to_string(), File::open(path).map(|file| Box::new(file) as _)),
    };
    let mut text = String::new();
    let read = from.and_then(|from| from.take(FILE_MAX + 1).read_to_string(&mut text));
    if read.map_err(|error| format!("{shown}: {error}"))? as u64 > FILE_MAX {
        return Err(format!("{shown}: larger than {FILE_MAX} bytes"));
    }
    parse(&text).map_err(|error| format!("{shown}: {error}"))
}

/// Reads the text of a file.
pub(super) fn parse(text: &str) -> Result<Vec<DesiredPolicy>, String> {
    let file: Document = toml::from_str(text).map_err(|error| error.to_string())?;
    check_unique("workspace", file.workspace.iter().map(|workspace| &*workspace.id))?;
    let domains = file.workspace.iter().flat_map(|workspace| &workspace.domains);
    check_unique("domain", domains.map(|domain| &*domain.id))?;
    let desired = |workspace: &WorkspaceTable| {
        desired(workspace).map_err(|error| format!("workspace {}: {error}", workspace.id))
    };
    file.workspace.iter().map(desired).collect()
}

fn desired(workspace: &WorkspaceTable) -> Result<DesiredPolicy, String> {
    check_unique("team", workspace.teams.iter().map(|team| &*team.id))?;
    let teams = workspace.teams.iter().map(|team| (&*team.id, team.wire(&workspace.id)));
    let teams: Vec<_> = teams.collect();
    let (value, teams) =
        definition::complete(&workspace.id, workspace.wire()?, &teams).map_err(|error| error.to_string())?;
    let complete = |domain: &DomainTable| {
        definition::complete_domain(&domain.id, domain.wire(&workspace.id)).map_err(|error| error.to_string())
    };
    let domains = workspace.domains.iter().map(complete).collect::<Result<_, _>>()?;
    Ok(DesiredPolicy { value, teams, domains })
}

/// Fails where an id is given twice.
fn check_unique<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{what} {id}: defined twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        let text =
            "[[workspace]]\nid = \"w\"\npreset = \"intercom\"\n[[workspace.team]]\nid = \"a\"\nwieght = 2\n";
        let told = parse(text).err().expect("refused");
        assert!(told.contains("line 6") && told.contains("wieght"), "{told}");
    }

    #[test]
    fn a_team_stands_behind_the_one_it_is_part_of() {
        let teams = "[[workspace.team]]\nid = \"part\"\nparent_team = \"whole\"\n[[workspace.team]]\nid = \"whole\"\n";
        let text = format!("[[workspace]]\nid = \"w\"\npreset = \"intercom\"\n{teams}");
        let desired = parse(&text).expect("it is a policy");
        let names: Vec<_> = desired[0].teams.iter().map(|team| team.name.as_str()).collect();
        assert_eq!(names, ["workspaces/w/teams/whole", "workspaces/w/teams/part"]);
        assert_eq!(desired[0].value.limits[0].permits, 166);
    }

    #[test]
    fn no_text_makes_the_reader_panic_and_every_refusal_says_something() {
        let limit = "[[workspace.limit]]\nid = \"l\"\npermits = 100\nwindow = \"10s\"\nguard = \"0.85s\"\n";
        let team =
            "[[workspace.team]]\nid = \"a\"\nparent_team = \"b\"\nweight = 3\npriority = \"CRITICAL\"\n";
        let whole = "[[workspace.team]]\nid = \"b\"\n";
        let text = format!("[[workspace]]\nid = \"w\"\nedge = [\"CRITICAL\"]\n{limit}{team}{whole}");
        assert_eq!(parse(&text).map(|desired| desired.len()), Ok(1));
        apportion_fuzz::fuzz(|noise| {
            let changed = noise.changed(text.as_bytes());
            match parse(&String::from_utf8_lossy(&changed)) {
                Ok(desired) => assert!(desired.len() <= 1),
                Err(why) => assert!(!why.is_empty()),
            }
        });
    }

    #[test]
    fn a_domain_is_bound_to_the_workspace_that_it_stands_under() {
        let head = "[[workspace]]\nid = \"w\"\npreset = \"intercom\"\n[[workspace.domain]]\nid = \"mesh\"\n";
        let keys = "team_key = \"service\"\nrefuse_unknown = true\nmax_wait = \"0.2s\"\n";
        let desired = parse(&format!("{head}{keys}")).expect("it is a policy");
        let domain = &desired[0].domains[0];
        assert_eq!((&*domain.name, &*domain.workspace), ("domains/mesh", "workspaces/w"));
        assert_eq!(
            (&*domain.team_key, &*domain.caller_key, domain.refuse_unknown),
            ("service", "caller", true)
        );
        assert_eq!(domain.max_wait.map(|wait| wait.nanos), Some(200_000_000));
        for (key, reported) in [
            ("max_wait = \"soon\"", "is not a duration"),
            ("workspace = \"v\"", "unknown field `workspace`"),
            ("caller_key = \"team\"", "domain mesh: caller_key: must differ from team_key"),
        ] {
            let error = parse(&format!("{head}{key}\n")).err().expect("refused");
            assert!(error.contains(reported), "{error}");
        }
        let twice = format!("{head}[[workspace.domain]]\nid = \"mesh\"\n");
        assert_eq!(parse(&twice).err().as_deref(), Some("domain mesh: defined twice"));
    }

    #[test]
    fn every_key_of_a_team_is_a_field_of_the_contract_and_mistakes_are_reported_with_their_line() {
        let head = "[[workspace]]\nid = \"w\"\npreset = \"intercom\"\n[[workspace.team]]\nid = \"a\"\n";
        let keys = "weight = 3\nreservation_permits = 4\ncap_permits = 0\nreservation_protected = true\n\
                    priority = \"sheddable\"\nhighest_priority = \"CRITICAL\"\n";
        let desired = parse(&format!("{head}{keys}")).expect("it is a policy");
        let team = &desired[0].teams[0];
        assert_eq!((team.weight, team.reservation_permits, team.cap_permits), (Some(3), 4, Some(0)));
        assert!(team.reservation_protected);
        assert_eq!(
            (team.priority(), team.highest_priority()),
            (v1::Priority::Sheddable, v1::Priority::Critical)
        );
        for (key, reported) in [
            ("weight = -1", "u32"),
            ("weight = \"3\"", "u32"),
            ("priority = \"urgent\"", "critical, default"),
            ("limits = 1", "unknown field `limits`"),
            ("parent = \"b\"\nparent_team = \"b\"", "duplicate field `parent_team`"),
        ] {
            let error = parse(&format!("{head}{key}\n")).err().expect("refused");
            assert!(error.contains(reported) && error.contains("line"), "{error}");
        }
        let error = parse(&format!("{head}weight = 0\n")).err().expect("refused");
        assert!(
            error.starts_with("workspace w: team a: weight: must be between 1 and 10000, got 0"),
            "{error}"
        );
    }
}
