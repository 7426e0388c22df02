//! Where drivers are found: `client/*/conformance/driver.json`, and how they are built.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;

/// A `driver.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DriverFile {
    name: String,
    #[serde(default)]
    toolchain: Vec<Tool>,
    #[serde(default)]
    build: Vec<Vec<String>>,
    run: Vec<String>,
    #[serde(default)]
    variants: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    run: Vec<String>,
    missing: String,
}

/// How a driver is started.
#[derive(Clone, PartialEq, Eq)]
pub struct DriverCommand {
    /// Its name.
    pub name: String,
    directory: PathBuf,
    words: Vec<String>,
}

impl Debug for DriverCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, in {})", self.name, self.words.join(" "), self.directory.display())
    }
}

impl DriverCommand {
    /// A driver that is one program without arguments.
    pub fn program(name: &str, program: &Path) -> Self {
        Self { name: name.into(), directory: root(), words: vec![program.display().to_string()] }
    }

    /// The command that is the driver.
    pub fn command(&self) -> Command {
        command(&self.directory, &self.words)
    }
}

/// A directory with drivers of one language.
#[derive(Debug)]
pub struct DriverDirectory {
    directory: PathBuf,
    file: DriverFile,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The directories with a `driver.json`, by name.
///
/// # Errors
/// Names the first file that cannot be read.
pub fn directories() -> Result<Vec<DriverDirectory>, String> {
    let clients = root().join("client");
    let mut found = Vec::new();
    let entries = clients.read_dir().map_err(|why| format!("{}: {why}", clients.display()))?;
    for entry in entries {
        let directory = entry.map_err(|why| why.to_string())?.path().join("conformance");
        let path = directory.join("driver.json");
        if path.exists() {
            let named = |why: &dyn fmt::Display| format!("{}: {why}", path.display());
            let text = std::fs::read_to_string(&path).map_err(|why| named(&why))?;
            let file: DriverFile = serde_json::from_str(&text).map_err(|why| named(&why))?;
            if file.run.is_empty() || file.variants.values().any(Vec::is_empty) {
                return Err(named(&"a command without words"));
            }
            found.push(DriverDirectory { directory, file });
        }
    }
    found.sort_by(|a, b| a.file.name.cmp(&b.file.name));
    Ok(found)
}

/// Builds the drivers of all directories beside each other: most of a build is one process that waits or computes alone.
///
/// # Errors
/// The output of the first command that fails in each directory where one does.
pub fn build_all(directories: &[DriverDirectory]) -> Result<(), String> {
    let failed: Vec<String> = thread::scope(|scope| {
        let builds: Vec<_> = directories.iter().map(|directory| scope.spawn(|| directory.build())).collect();
        let ends = builds.into_iter().map(|build| build.join().expect("a build reports its failure"));
        ends.filter_map(Result::err).collect()
    });
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

impl DriverDirectory {
    /// Its drivers.
    pub fn drivers(&self) -> Vec<DriverCommand> {
        let driver = |name: &String, words: &Vec<String>| DriverCommand {
            name: name.clone(),
            directory: self.directory.clone(),
            words: words.clone(),
        };
        let variants = self.file.variants.iter().map(|(name, words)| driver(name, words));
        std::iter::once(driver(&self.file.name, &self.file.run)).chain(variants).collect()
    }

    /// What its toolchain lacks, and what to do about it.
    pub fn missing(&self) -> Vec<String> {
        let is_missing = |tool: &&Tool| {
            let mut command = command(&self.directory, &tool.run);
            let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            !status.is_ok_and(|status| status.success())
        };
        let missing = self.file.toolchain.iter().filter(is_missing);
        missing
            .map(|tool| format!("{}: `{}` fails: {}", self.file.name, tool.run.join(" "), tool.missing))
            .collect()
    }

    /// Builds its drivers. The error is the output of the first command that fails.
    fn build(&self) -> Result<(), String> {
        for words in &self.file.build {
            let output = command(&self.directory, words).stdin(Stdio::null()).output();
            let output = output.map_err(|why| format!("{}: `{}`: {why}", self.file.name, words.join(" ")))?;
            if !output.status.success() {
                let text = [output.stdout, output.stderr].concat();
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(format!("{}: `{}`: {}\n{text}", self.file.name, words.join(" "), output.status));
            }
        }
        Ok(())
    }
}

fn command(directory: &Path, words: &[String]) -> Command {
    let (program, arguments) = words.split_first().map_or(("true", &[][..]), |(first, rest)| (first, rest));
    // A relative path is meant from the directory, whatever the platform does with it.
    let program = if program.contains('/') { directory.join(program) } else { program.into() };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env("APPORTION_ROOT", root());
    command
}
