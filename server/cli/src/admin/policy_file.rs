//! The file of `apportion apply`: workspaces with their limits and teams, in TOML. A key that is not known is refused by name and line.

use super::priority;
use apportion_proto::v1;
use apportion_server::convert::names;
use apportion_server::convert::team::{team_policy, wire_team};
use apportion_server::convert::workspace::{policy, wire_workspace};
use apportion_server::preset;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A workspace as it is to be and its teams, every default written out: those teams before that they name as parent.
pub(super) struct Wanted {
    pub(super) value: v1::Workspace,
    pub(super) teams: Vec<v1::Team>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    workspace: Vec<Workspace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workspace {
    id: String,
    #[serde(default)]
    preset: String,
    #[serde(default)]
    limit: Vec<Limit>,
    holdback: Option<Shares>,
    floors: Option<Shares>,
    largest_lease_permits: Option<u32>,
    edge: Option<Vec<String>>,
    others_memory_windows: Option<u32>,
    spare_edge: Option<bool>,
    #[serde(default)]
    team: Vec<Team>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    id: String,
    permits: u32,
    window: String,
    phase: Option<String>,
    start_margin: Option<String>,
    guard: Option<String>,
    lease_life: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    #[serde(default)]
    critical_billionths: u32,
    #[serde(default)]
    default_billionths: u32,
    #[serde(default)]
    sheddable_billionths: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    id: String,
    /// Called `parent` by older files.
    #[serde(alias = "parent")]
    parent_team: Option<String>,
    weight: Option<u32>,
    #[serde(default)]
    reservation_permits: u32,
    cap_permits: Option<u32>,
    #[serde(default)]
    reservation_protected: bool,
    priority: Option<String>,
    highest_priority: Option<String>,
}

/// The largest file, in bytes.
const LARGEST: u64 = 64 << 20;

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<Wanted>, String> {
    let (shown, from): (_, io::Result<Box<dyn Read>>) = match path.to_str() {
        Some("-") => ("standard input".into(), Ok(Box::new(io::stdin()))),
        _ => (path.display().to_string(), File::open(path).map(|file| Box::new(file) as _)),
    };
    let mut text = String::new();
    let read = from.and_then(|from| from.take(LARGEST + 1).read_to_string(&mut text));
    if read.map_err(|error| format!("{shown}: {error}"))? as u64 > LARGEST {
        return Err(format!("{shown}: longer than {LARGEST} bytes"));
    }
    parse(&text).map_err(|error| format!("{shown}: {error}"))
}

pub(super) fn parse(text: &str) -> Result<Vec<Wanted>, String> {
    let file: Document = toml::from_str(text).map_err(|error| error.to_string())?;
    once("workspace", file.workspace.iter().map(|workspace| &*workspace.id))?;
    let wanted = |workspace: &Workspace| {
        workspace.wanted().map_err(|error| format!("workspace {}: {error}", workspace.id))
    };
    file.workspace.iter().map(wanted).collect()
}

/// Fails where an id stands there twice.
fn once<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{what} {id}: it stands there twice"));
        }
    }
    Ok(())
}

impl Workspace {
    fn wanted(&self) -> Result<Wanted, String> {
        let id = names::workspace_id("id", &self.id).map_err(|error| error.to_string())?;
        let edge = self.edge.as_ref().map(|names| names.iter().map(|name| priority(name)).collect());
        let edge: Option<Vec<i32>> = edge.transpose()?;
        let mut asked = v1::Workspace {
            preset: self.preset.clone(),
            limits: self.limit.iter().map(Limit::wire).collect::<Result<_, _>>()?,
            holdback: self.holdback.as_ref().map(Shares::wire),
            floors: self.floors.as_ref().map(Shares::wire),
            largest_lease_permits: self.largest_lease_permits,
            edge: edge.map(|priorities| v1::EdgePriorities { priorities }),
            others_memory_windows: self.others_memory_windows,
            spare_edge: self.spare_edge,
            ..v1::Workspace::default()
        };
        preset::complete(&mut asked).map_err(|error| error.to_string())?;
        once("team", self.team.iter().map(|team| &*team.id))?;
        let mut teams = Vec::new();
        for team in &self.team {
            let of_team = |error| format!("team {}: {error}", team.id);
            let team_id = names::team_id("id", &team.id).map_err(|error| of_team(error.to_string()))?;
            let wire = team.wire(&self.id).map_err(of_team)?;
            teams.push(team_policy(&id, team_id, &wire).map_err(|error| of_team(error.to_string()))?);
        }
        let mut policy = policy(&asked, teams).map_err(|error| error.to_string())?;
        let depth = |team: &apportion_core::policy::TeamPolicy| {
            let parent = |of: &&apportion_core::policy::TeamPolicy| {
                policy.teams.iter().find(|above| Some(&above.id) == of.parent.as_ref())
            };
            std::iter::successors(Some(team), parent).take(policy.teams.len()).count()
        };
        let mut order: Vec<_> = policy.teams.iter().map(|team| (depth(team), team.clone())).collect();
        order.sort_by_key(|(depth, _)| *depth);
        policy.teams = order.into_iter().map(|(_, team)| team).collect();
        let teams = policy.teams.iter();
        let teams = teams.map(|team| wire_team(&id, team)).collect();
        let value = v1::Workspace { preset: asked.preset, ..wire_workspace(&id, &policy) };
        Ok(Wanted { value, teams })
    }
}

impl Limit {
    fn wire(&self) -> Result<v1::Limit, String> {
        let span = |field: &str, text: &str| {
            text.parse::<prost_types::Duration>().map_err(|_| {
                format!("limit {}: {field}: {text:?} is no duration, such as \"0.85s\"", self.id)
            })
        };
        let optional = |field, text: &Option<String>| text.as_ref().map(|text| span(field, text)).transpose();
        Ok(v1::Limit {
            limit_id: self.id.clone(),
            permits: self.permits,
            window: Some(span("window", &self.window)?),
            phase: optional("phase", &self.phase)?,
            start_margin: optional("start_margin", &self.start_margin)?,
            guard: optional("guard", &self.guard)?,
            lease_life: optional("lease_life", &self.lease_life)?,
        })
    }
}

impl Shares {
    fn wire(&self) -> v1::PriorityShares {
        let Self { critical_billionths, default_billionths, sheddable_billionths } = *self;
        v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths }
    }
}

impl Team {
    fn wire(&self, workspace: &str) -> Result<v1::Team, String> {
        let named = |name: &Option<String>| name.as_ref().map_or(Ok(0), |name| priority(name));
        let parent = self.parent_team.as_ref().map(|id| format!("workspaces/{workspace}/teams/{id}"));
        Ok(v1::Team {
            parent_team: parent.unwrap_or_default(),
            weight: self.weight,
            reservation_permits: self.reservation_permits,
            cap_permits: self.cap_permits,
            reservation_protected: self.reservation_protected,
            priority: named(&self.priority)?,
            highest_priority: named(&self.highest_priority)?,
            ..v1::Team::default()
        })
    }
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
        let wanted = parse(&text).expect("it is a policy");
        let names: Vec<_> = wanted[0].teams.iter().map(|team| team.name.as_str()).collect();
        assert_eq!(names, ["workspaces/w/teams/whole", "workspaces/w/teams/part"]);
        assert_eq!(wanted[0].value.limits[0].permits, 166);
    }

    #[test]
    fn no_text_makes_the_reader_panic_and_every_refusal_says_something() {
        let limit = "[[workspace.limit]]\nid = \"l\"\npermits = 100\nwindow = \"10s\"\nguard = \"0.85s\"\n";
        let team =
            "[[workspace.team]]\nid = \"a\"\nparent_team = \"b\"\nweight = 3\npriority = \"CRITICAL\"\n";
        let whole = "[[workspace.team]]\nid = \"b\"\n";
        let text = format!("[[workspace]]\nid = \"w\"\nedge = [\"CRITICAL\"]\n{limit}{team}{whole}");
        assert_eq!(parse(&text).map(|wanted| wanted.len()), Ok(1));
        apportion_fuzz::fuzz(|noise| {
            let changed = noise.changed(text.as_bytes());
            match parse(&String::from_utf8_lossy(&changed)) {
                Ok(wanted) => assert!(wanted.len() <= 1),
                Err(why) => assert!(!why.is_empty()),
            }
        });
    }
}
