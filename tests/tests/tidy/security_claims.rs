//! Every claim of `docs/security.md` has its test; commands print safely.

use crate::source::{Source, none, places, read, sources};

/// Where a test may be that `docs/security.md` names by less than its path.
const DIRECTORIES: [(&str, &str); 9] = [
    ("client/", "client/rust/"),
    ("cli/", "server/cli/tests/cli/"),
    ("admin/", "server/tests/admin/"),
    ("cluster/", "server/tests/cluster/"),
    ("src/cli/", "server/cli/src/"),
    ("src/", "server/src/"),
    ("core/src/", "server/core/src/"),
    ("core/", "server/core/tests/"),
    ("", "tests/tests/"),
];

/// The claims of `text` whose test is in none of the sources, as file::test. A test named after a directory may be in any file of it.
fn unproven(text: &str, sources: &[Source]) -> Vec<String> {
    let named = text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::"));
    let mut claims: Vec<_> = named.filter(|(file, _)| *file != "file").collect();
    claims.dedup();
    assert!(!claims.is_empty(), "the claims were not found");
    let is_at = |path: &str, file: &str| {
        DIRECTORIES.iter().any(|(short, directory)| {
            let rest =
                file.strip_prefix(short).and_then(|rest| path.strip_prefix(*directory)?.strip_prefix(rest));
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    };
    let is_proven = |(file, name): &(&str, &str)| {
        let declaration = format!("fn {name}(");
        let mut places = sources.iter().filter(|source| is_at(&source.path, file));
        places.any(|source| source.code.iter().any(|line| line.contains(&declaration)))
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
    none(&unproven(&read("docs/security.md"), &sources()), "name the test that shows the claim");
}

#[test]
fn what_commands_print_goes_through_the_terminal() {
    let mut sources = sources();
    let is_cli = |path: &str| path.starts_with("server/cli/src/") || path.starts_with("server/simulate/src/");
    sources.retain(|source| is_cli(&source.path) && !source.path.ends_with("terminal.rs"));
    assert!(!sources.is_empty(), "the command line was not found");
    none(
        &printing(&sources),
        "print with `terminal`: it escapes what others wrote, and survives a closed reader",
    );
}

#[test]
fn a_claim_without_its_test_and_a_bare_print_are_found() {
    let text =
        "Named as `file::test`: `src/gate::is_refused`, `fuzz::holds`, `gone::holds`, `src/gate::is_gone`.";
    let sources = [
        Source::new("server/src/gate.rs", "fn is_refused() {}"),
        Source::new("tests/tests/fuzz/main.rs", "fn holds() {}"),
    ];
    assert_eq!(
        unproven(text, &sources),
        ["docs/security.md: gone::holds", "docs/security.md: src/gate::is_gone"]
    );
    assert_eq!(printing(&[Source::new("a.rs", "fn f() { println!() }")]).len(), 1);
}
