//! How types and functions are called.

use crate::lexer::declared;
use crate::source::{Source, none, places, sources};

/// Words that say nothing about what a type is.
const EMPTY_WORDS: [&str; 9] =
    ["Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Handlers", "Info", "Data"];

/// Names that a trait demands, which the contract or a library has made.
const DEMANDED: [&str; 6] = ["Data", "get_workspace", "get_team", "get_domain", "get_signals", "get_cluster"];

/// The words of a name written LikeThis.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            _ => words.push(c.into()),
        }
    }
    words
}

fn empty_types(sources: &[Source]) -> Vec<String> {
    places(sources, |line| {
        let name = declared(line, &["struct", "enum", "trait", "type", "union"])?;
        if DEMANDED.contains(&name) {
            return None;
        }
        let word = words_of(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str()))?;
        Some(format!("{name} says {word}"))
    })
}

/// Functions whose names start with `prefix`.
fn functions(sources: &[Source], prefix: &str) -> Vec<String> {
    places(sources, |line| {
        let name = declared(line, &["fn"]).filter(|name| !DEMANDED.contains(name))?;
        name.starts_with(prefix).then(|| format!("fn {name}"))
    })
}

#[test]
fn a_type_is_named_after_what_it_is() {
    none(&empty_types(&sources()), "name the type with a word of the domain (ARCHITECTURE.md, Words)");
}

#[test]
fn nothing_is_called_get_something() {
    let found = functions(&sources(), "get_");
    none(&found, "name the function after what it returns: `budget()`, not `get_budget()`");
}

#[test]
fn a_test_is_named_as_a_fact() {
    let found = functions(&sources(), "test_");
    none(&found, "name the test after the fact that it shows: `a_full_window_refuses`, not `test_window`");
}

#[test]
fn names_that_say_nothing_are_found() {
    let text = "struct TeamHelperData;\ntype Data = u8;\nfn get_it() {}\nfn get_team() {}\nfn target() {}\n";
    let sources = [Source::new("a.rs", text)];
    assert_eq!(empty_types(&sources), ["a.rs:1: TeamHelperData says Helper"]);
    assert_eq!(functions(&sources, "get_"), ["a.rs:3: fn get_it"]);
}
