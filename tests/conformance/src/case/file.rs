//! A case file: the servers, the provider and the steps of one case.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::step::Step;
use crate::provider::ProviderScript;
use crate::scripted::Script;
use crate::scripted::script::Answer;
use crate::signals;

/// One case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The path of the file from `cases`, without its ending.
    #[serde(skip)]
    pub name: String,
    /// What holds, in one sentence.
    pub title: String,
    /// The capabilities without which a driver skips it.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Plays it once for each HTTP hook with these features.
    pub each_hook: Option<Vec<String>>,
    /// Plays it for one HTTP hook of the driver.
    #[serde(default)]
    pub first_hook: bool,
    /// Whether it runs while no other case of its driver does, and one of another driver at most, because it measures time or
    /// threads.
    #[serde(default)]
    pub alone: bool,
    /// Whether leases may stay open at its end, because what would be reported cannot arrive.
    #[serde(default)]
    pub may_stay_open: bool,
    /// Whether requests may arrive that no server granted a permit for: those of a local share.
    #[serde(default)]
    pub may_be_unpaid: bool,
    /// The servers by name. `main` is the one that clients connect to unless they are told otherwise.
    #[serde(default)]
    pub servers: BTreeMap<String, ServerTable>,
    /// The provider.
    pub provider: Option<ProviderScript>,
    /// A provider that counts windows and throttles.
    pub limited_provider: Option<RealServer>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One server of a case. The first keys are those of a script.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTable {
    /// See [`Script::acquires`].
    pub acquires: Vec<Answer>,
    /// See [`Script::otherwise`].
    pub otherwise: Answer,
    /// See [`Script::settles`].
    pub settles: Vec<Answer>,
    /// See [`Script::token`].
    pub token: Option<String>,
    /// See [`Script::signals`].
    pub signals: Option<String>,
    /// Whether it does not listen at first.
    pub down: bool,
    /// Whether it accepts connections and is silent at first.
    pub frozen: bool,
    /// The most calls at once on a connection.
    pub streams: Option<u32>,
    /// `server` for TLS, `mutual` if clients need a certificate, too.
    pub tls: Option<String>,
    /// The program `apportion` instead of a script, with this limit.
    pub real: Option<RealServer>,
}

/// A limit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealServer {
    /// The permits of a window.
    pub limit: u32,
    /// Its length.
    pub window_ms: u64,
}

impl ServerTable {
    /// What it does, if it is scripted.
    pub fn script(&self) -> Script {
        Script {
            acquires: self.acquires.clone().into(),
            otherwise: self.otherwise.clone(),
            settles: self.settles.clone().into(),
            token: self.token.clone(),
            signals: self.signals.clone(),
        }
    }
}

/// A case for each file of readings: what responses of a provider mean.
///
/// # Errors
/// Names the first file that cannot be read.
pub fn readings() -> Result<Vec<Case>, String> {
    let case = |(name, readings): (String, Vec<signals::Reading>)| Case {
        title: format!("The {} responses of {name} mean what they say", readings.len()),
        name: format!("signals/{name}"),
        needs: vec!["interpret".into()],
        steps: vec![Step { readings, ..Step::default() }],
        ..Case::default()
    };
    Ok(signals::readings()?.into_iter().map(case).collect())
}

/// All cases below a directory, in order of name.
///
/// # Errors
/// Names every file that is not a case, and what is wrong with it.
pub fn read_all(directory: &Path) -> Result<Vec<Case>, String> {
    let (mut paths, mut cases, mut wrong) = (vec![directory.to_owned()], Vec::new(), Vec::new());
    while let Some(path) = paths.pop() {
        if let Ok(entries) = path.read_dir() {
            paths.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        } else {
            let name = path.strip_prefix(directory).unwrap_or(&path).with_extension("");
            match read(&path, &name.to_string_lossy()) {
                Ok(case) => cases.push(case),
                Err(why) => wrong.push(format!("{}: {why}", path.display())),
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn read(path: &Path, name: &str) -> Result<Case, String> {
    if path.extension().is_none_or(|ending| ending != "toml") {
        return Err("not a .toml file".into());
    }
    let text = std::fs::read_to_string(path).map_err(|why| why.to_string())?;
    let mut case: Case = toml::from_str(&text).map_err(|why| why.to_string())?;
    name.clone_into(&mut case.name);
    for (at, step) in case.steps.iter().enumerate() {
        step.checked().map_err(|why| format!("steps[{at}]: {why}"))?;
    }
    Ok(case)
}
