//! What the core may use: no casts, nothing from outside, and modules in order.

use std::collections::BTreeMap;

use crate::graph::{Graph, roots};
use crate::lexer::{declared, has_word, words};
use crate::source::{Source, collect, core_sources, none, places, read, root};

/// Number types, as a cast would name them.
const NUMBERS: [&str; 14] =
    ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"];

/// Casts that stay: the file, how many, and why no `From` stands there.
const CASTS: [(&str, usize, &str); 2] = [
    ("server/core/src/permits.rs", 2, "a const fn cannot call From; the line tests the range"),
    ("server/core/src/policy/settings.rs", 2, "a const fn cannot call From; both widen"),
];

/// What the core must not name: clocks, I/O, its environment, threads, chance, floats, and crates of upper layers.
const OUTSIDE: [&str; 12] = [
    "f32",
    "f64",
    "rand",
    "tokio",
    "tonic",
    "tracing",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "std::time",
];

/// Uses of a module further down that stay: an observation names the lease that it came under.
const UPWARD: [(&str, &str); 1] = [("observation", "request")];

fn casts_in(line: &str) -> usize {
    words(line).windows(2).filter(|pair| pair[0] == "as" && NUMBERS.contains(&pair[1])).count()
}

fn outside(sources: &[Source]) -> Vec<String> {
    places(sources, |line| {
        OUTSIDE.iter().find(|name| has_word(line, name)).map(|name| format!("{name} in `{}`", line.trim()))
    })
}

/// Uses of a module that `lib.rs` lists further down.
fn upward(sources: &[Source]) -> Vec<String> {
    let is_lib = |source: &&Source| source.path == "server/core/src/lib.rs";
    let lib = sources.iter().find(is_lib).expect("the core has a lib.rs");
    let order: Vec<&str> = lib.code.iter().filter_map(|line| declared(line, &["mod"])).collect();
    assert!(order.len() > 1, "lib.rs lists no modules: {order:?}");
    let module = |path: &str| {
        let inside = path.trim_start_matches("server/core/src/");
        inside.split(['/', '.']).next().unwrap_or_default().to_owned()
    };
    let floor = |module: &str| order.iter().position(|&other| other == module);
    let mut upward = Vec::new();
    for ((from, to), uses) in Graph::new(sources, &roots("server/core/", sources), false).edges {
        let (user, used) = (module(&from), module(&to));
        let is_allowed = UPWARD.contains(&(user.as_str(), used.as_str()));
        if floor(&used) > floor(&user) && floor(&user).is_some() && !is_allowed {
            upward.push(format!("{from}:{}: {user} uses {used}", uses[0].line));
        }
    }
    upward
}

#[test]
fn the_core_casts_no_numbers() {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for source in core_sources() {
        for (at, line) in source.code.iter().enumerate() {
            found.entry(source.path.clone()).or_default().extend(vec![at + 1; casts_in(line)]);
        }
    }
    for (path, allowed, why) in CASTS {
        let casts = found.remove(path).unwrap_or_default().len();
        assert_eq!(casts, allowed, "{path}: casts found and allowed ({why}): set CASTS to what is left");
    }
    let casts: Vec<_> = found
        .iter()
        .flat_map(|(path, lines)| lines.iter().map(move |line| format!("{path}:{line}")))
        .collect();
    none(&casts, "use From, TryFrom or a checking constructor instead of `as`");
}

#[test]
fn the_core_knows_nothing_of_the_outside() {
    let what_to_do =
        "take it as an argument, or return it as data: the core is a function of (state, now, input)";
    none(&outside(&core_sources()), what_to_do);
}

#[test]
fn every_module_of_the_core_stands_in_the_architecture() {
    let (architecture, mut modules) = (read("ARCHITECTURE.md"), Vec::new());
    collect(&root().join("server/core/src"), "", &mut modules);
    modules.retain(|module| module.ends_with('/') || (!module.contains('/') && module != "lib.rs"));
    modules.retain(|module| !module.ends_with("tests/") && module != "tests.rs");
    assert!(!modules.is_empty(), "the core was not found");
    let unknown: Vec<_> = modules
        .into_iter()
        .filter(|module| !architecture.contains(&format!("`{}`", module.trim_end_matches(".rs"))))
        .map(|module| format!("server/core/src/{module}:1"))
        .collect();
    none(&unknown, "say in ARCHITECTURE.md what it owns");
}

#[test]
fn a_module_of_the_core_uses_only_modules_above_it_in_lib_rs() {
    none(
        &upward(&core_sources()),
        "move what both need to the module above, or the one that uses further down",
    );
}

#[test]
fn a_cast_a_clock_and_an_upward_use_are_found() {
    assert_eq!((casts_in("x as u32 + y as usize"), casts_in("basu32 as Basis")), (2, 0));
    let sources = [
        Source::new("server/core/src/lib.rs", "mod first;\nmod second;\n"),
        Source::new("server/core/src/first.rs", "use super::second::Second;\nuse std::time::Instant;\n"),
        Source::new("server/core/src/second.rs", "pub struct Second;\n"),
    ];
    assert_eq!(outside(&sources), ["server/core/src/first.rs:2: std::time in `use std::time::Instant;`"]);
    assert_eq!(upward(&sources), ["server/core/src/first.rs:1: first uses second"]);
}
