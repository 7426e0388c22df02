//! What no test may do, and what commands print with.

use crate::source::{Source, none, places, sources};

/// Lines on which `text` stands.
fn lines_with(sources: &[Source], text: &str) -> Vec<String> {
    places(sources, |line| line.contains(text).then(|| line.trim().into()))
}

fn ignored(sources: &[Source]) -> Vec<String> {
    lines_with(sources, "#[ignore")
}

fn sleeping(sources: &[Source]) -> Vec<String> {
    lines_with(sources, "thread::sleep")
}

#[test]
fn no_test_is_switched_off() {
    none(&ignored(&sources()), "repair the test or delete it");
}

#[test]
fn nothing_sleeps() {
    none(&sleeping(&sources()), "move virtual time, or wait for the event itself");
}

#[test]
fn an_ignored_test_and_a_sleep_are_found() {
    let text = "#[ignore = \"slow\"]\nfn a() {}\n// #[ignore]\nfn b() { std::thread::sleep(c) }\n";
    let sources = [Source::new("a.rs", text)];
    assert_eq!((ignored(&sources).len(), sleeping(&sources).len()), (1, 1));
}
