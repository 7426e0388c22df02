//! Every claim of `docs/security.md` has its test; commands print safely.

use std::fs;

use crate::source::{Source, none, places, read, root, sources};

/// Where tests lie that `docs/security.md` names by less than their path.
const DIRECTORIES: [(&str, &str); 6] = [
    ("cli/", "server/tests/cli/"),
    ("admin/", "server/tests/admin/"),
    ("src/", "server/src/"),
    ("core/src/", "server/core/src/"),
    ("core/", "server/core/tests/"),
    ("", "tests/tests/"),
];

/// The claims of `text` whose test is in none of the files that `source` reads, as file::test.
fn unproven(text: &str, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named = text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::"));
    let mut claims: Vec<_> = named.filter(|(file, _)| *file != "file").collect();
    claims.dedup();
    assert!(!claims.is_empty(), "the claims were not found");
    let is_proven = |(file, name): &(&str, &str)| {
        let path = DIRECTORIES
            .iter()
            .find_map(|(short, long)| file.strip_prefix(short).map(|rest| format!("{long}{rest}.rs")));
        path.and_then(|path| source(&path)).is_some_and(|source| source.contains(&format!("fn {name}(")))
    };
    let unproven = claims.iter().filter(|claim| !is_proven(claim));
    unproven.map(|(file, name)| format!("docs/security.md: {file}::{name}")).collect()
}

fn printing(sources: &[Source]) -> Vec<String> {
    places(sources, |line| {
        let macros = ["println!", "print!", "eprintln!", "eprint!"];
        macros.iter().find(|name| line.contains(**name)).map(|name| (*name).to_owned())
    })
}

#[test]
fn every_claim_of_security_names_a_test_that_exists() {
    let unproven = unproven(&read("docs/security.md"), |path| fs::read_to_string(root().join(path)).ok());
    none(&unproven, "name the test that shows the claim");
}

#[test]
fn what_commands_print_goes_through_the_terminal() {
    let mut sources = sources();
    let is_cli = |path: &str| path.starts_with("server/src/cli/") || path.starts_with("server/cli/src/");
    sources.retain(|source| is_cli(&source.path) && !source.path.ends_with("terminal.rs"));
    assert!(!sources.is_empty(), "the command line was not found");
    none(
        &printing(&sources),
        "print with `terminal`: it escapes what others wrote, and survives a closed reader",
    );
}

#[test]
fn a_claim_without_its_test_and_a_bare_print_are_found() {
    let text = "Named as `file::test`: `src/gate::a_wrong_token_is_refused`, `gone::this_holds`.";
    let source =
        |path: &str| (path == "server/src/gate.rs").then(|| "fn a_wrong_token_is_refused() {}".to_owned());
    assert_eq!(unproven(text, source), ["docs/security.md: gone::this_holds"]);
    assert_eq!(printing(&[Source::new("a.rs", "fn f() { println!() }")]).len(), 1);
}
