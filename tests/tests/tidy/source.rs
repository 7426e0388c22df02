//! The files of the repository, and its crates as `Cargo.toml` lists them. Knows no rule.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lexer::code_of;

/// One Rust file of the repository.
pub(crate) struct Source {
    /// Its path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// Its lines.
    pub(crate) lines: Vec<String>,
    /// The same lines with comments, strings and characters blanked out.
    pub(crate) code: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let lines = |text: &str| text.lines().map(String::from).collect();
        Self { path: path.into(), lines: lines(text), code: lines(&code_of(text)) }
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of the file at a path from the root of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file that is written by hand, in order of path.
pub(crate) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), "", &mut paths);
    paths.retain(|path| path.ends_with(".rs"));
    paths.sort();
    assert!(paths.len() > 10, "the sources were not found: only {paths:?}");
    paths.iter().map(|path| Source::new(path, &read(path))).collect()
}

/// The directories of the workspace's crates, each with a `/` at its end.
pub(crate) fn crates() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let members = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let (members, _) = members.expect("Cargo.toml lists the members of the workspace");
    let crates: Vec<_> = members.split('"').skip(1).step_by(2).map(|path| format!("{path}/")).collect();
    assert!(crates.len() > 3, "the crates were not found: only {crates:?}");
    crates
}

/// The sources that make up the product, its crates' `src` without `proto`, which is generated, and without those in `tests`.
pub(crate) fn product_sources() -> Vec<Source> {
    let mut crates = crates();
    crates.retain(|path| !path.starts_with("tests/") && path != "proto/");
    let mut sources = sources();
    sources.retain(|source| crates.iter().any(|path| source.path.starts_with(&format!("{path}src/"))));
    sources
}

/// The sources of the core.
pub(crate) fn core_sources() -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| source.path.starts_with("server/core/src/"));
    sources
}

/// The files below a directory, and the directories with a `/` at the end; hidden ones and build output left out.
pub(crate) fn collect(directory: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the directory can be read") {
        let entry = entry.expect("its entries can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            paths.push(format!("{path}/"));
            collect(&entry.path(), &format!("{path}/"), paths);
        } else {
            paths.push(path);
        }
    }
}

/// Fails with every place that breaks a rule, and what to do there.
pub(crate) fn none(broken: &[String], what_to_do: &str) {
    assert!(broken.is_empty(), "{what_to_do}:\n  {}\n", broken.join("\n  "));
}

/// Every line of code on which `breaks` finds something, as file:line with what it found.
pub(crate) fn places(sources: &[Source], breaks: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        for (at, line) in source.code.iter().enumerate() {
            if let Some(found) = breaks(line) {
                places.push(format!("{}:{}: {found}", source.path, at + 1));
            }
        }
    }
    places
}
