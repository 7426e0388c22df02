//! From the bytes of a scenario file to a trial: what to play and what to expect of it.

use super::expectation::{self, Expected};
use super::fault::{Checked, Fault, SimulateError};
use super::format::File;
use super::run::Run;
use super::{demand, events, workspace};
use apportion_core::scenario::Scenario;
use std::collections::BTreeSet;
use std::path::Path;

/// The largest scenario file, in bytes.
const FILE_MAX: u64 = 64 << 20;

/// One scenario file, read and checked.
#[derive(Debug)]
pub(crate) struct Trial {
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
pub(crate) fn load(path: &Path) -> Result<Trial, SimulateError> {
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
    let mut run = Run::new(&policy, origin, file.windows)?;
    let tags: BTreeSet<_> = file.demand.iter().filter_map(|demand| demand.tag.as_deref()).collect();
    let events = events::events(&mut run, &policy, &file.events, &tags)?;
    let demand = demand::demands(&run, &file.demand)?;
    let expected = expectation::read(&run, &file.expect, &tags)?;
    let scenario = Scenario { policy, origin, windows: run.windows, demand, events };
    Ok(Trial { id: file.id, about: file.about, scenario, expected })
}

fn syntax(bytes: &[u8]) -> Checked<File> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let file = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Fault::new(field, error.into_inner().to_string())
    })?;
    from.end().map_err(|error| Fault::new("", error.to_string()))?;
    Ok(file)
}
