//! How long files are, and how they start.

use crate::source::{Source, none, product_sources, sources};

/// Most lines of a file. A longer one holds two concepts.
const LINES_MAX: usize = 450;

/// Most lines of the median file of the product.
const MEDIAN_LINES_MAX: usize = 120;

fn too_long(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|source| source.lines.len() > LINES_MAX);
    long.map(|source| format!("{}:{}: {} lines", source.path, LINES_MAX + 1, source.lines.len())).collect()
}

/// The lines of the file in the middle, by length.
fn median(sources: &[Source]) -> usize {
    let mut lines: Vec<_> = sources.iter().map(|source| source.lines.len()).collect();
    lines.sort_unstable();
    lines[lines.len() / 2]
}

fn without_purpose(sources: &[Source]) -> Vec<String> {
    let is_silent = |source: &&Source| !source.lines.first().is_some_and(|line| line.starts_with("//! "));
    sources.iter().filter(is_silent).map(|source| format!("{}:1", source.path)).collect()
}

#[test]
fn every_file_starts_with_what_it_owns() {
    none(&without_purpose(&sources()), "start the file with `//! ` and one sentence on what it owns");
}

#[test]
fn no_file_is_longer_than_one_concept() {
    none(&too_long(&sources()), &format!("split the file: at most {LINES_MAX} lines"));
}

#[test]
fn the_median_file_of_the_product_is_short() {
    let median = median(&product_sources());
    assert!(median <= MEDIAN_LINES_MAX, "the median file has {median} lines: at most {MEDIAN_LINES_MAX}");
}

#[test]
fn a_file_that_is_too_long_or_says_nothing_is_found() {
    let long = Source::new("long.rs", &format!("//! Long.\n{}", "\n".repeat(LINES_MAX)));
    let exact = Source::new("exact.rs", &"\n".repeat(LINES_MAX));
    let short = Source::new("short.rs", "//! Short.\n");
    let sources = [long, exact, short];
    assert_eq!(too_long(&sources), ["long.rs:451: 451 lines"]);
    assert_eq!(without_purpose(&sources), ["exact.rs:1"]);
    assert_eq!(median(&sources), LINES_MAX);
}
