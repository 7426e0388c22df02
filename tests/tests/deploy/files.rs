//! Files of the repository, and what is to be found in their text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of the file at a path from the root of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `target`, where `make` puts the tools that tests use.
pub(crate) fn target() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let target = this.parent().and_then(Path::parent).and_then(Path::parent);
    target.expect("a test is in target/PROFILE/deps").to_path_buf()
}

/// The words of a text, made of letters, digits and underscores, that start so.
pub(crate) fn words<'a>(text: &'a str, start: &str) -> BTreeSet<&'a str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.len() > start.len() && word.starts_with(start)).collect()
}

/// What follows `start` on the lines that start so, without the spaces around it.
pub(crate) fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| Some(line.trim_start().strip_prefix(start)?.trim())).collect()
}
