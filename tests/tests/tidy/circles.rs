//! No circles among files, and no file that nothing reaches.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, roots};
use crate::source::{Source, crates, none, sources};

/// Every circle among the files of a package, as its files and the lines that tie them.
fn circles(graph: &Graph) -> Vec<String> {
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in graph.edges.keys() {
        uses.entry(from).or_default().insert(to);
    }
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|&file| (file, reachable(&uses, file))).collect();
    let is_tied =
        |a: &str, b: &str| reachable[a].contains(b) && reachable.get(b).is_some_and(|r| r.contains(a));
    let (mut found, mut done) = (Vec::new(), BTreeSet::new());
    for &file in uses.keys() {
        let knot: Vec<&str> = reachable[file].iter().copied().filter(|other| is_tied(file, other)).collect();
        if !knot.is_empty() && done.insert(knot.clone()) {
            found.push(describe(graph, &knot));
        }
    }
    found
}

/// What a file reaches by one use or more; itself, where it stands in a circle.
fn reachable<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![file];
    while let Some(file) = open.pop() {
        for &next in uses.get(file).into_iter().flatten() {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

fn describe(graph: &Graph, knot: &[&str]) -> String {
    let mut lines = vec![format!("{} files use each other in a circle:", knot.len())];
    for ((from, to), uses) in &graph.edges {
        if knot.contains(&from.as_str()) && knot.contains(&to.as_str()) {
            let paths: Vec<_> =
                uses.iter().map(|used| format!("{} (line {})", used.path, used.line)).collect();
            lines.push(format!("  {from}:{} uses {to}: {}", uses[0].line, paths.join(", ")));
        }
    }
    lines.join("\n  ")
}

#[test]
fn files_use_each_other_in_no_circle() {
    let sources = sources();
    let mut found = Vec::new();
    for package in crates() {
        let roots = roots(&package, &sources);
        assert!(!roots.is_empty(), "{package} has nothing to compile");
        found.extend(circles(&Graph::new(&sources, &roots, false)));
    }
    none(&found, "move what both need to a file below them, or pass it in");
}

#[test]
fn every_file_is_compiled() {
    let sources = sources();
    let roots: Vec<_> = crates().iter().flat_map(|package| roots(package, &sources)).collect();
    let graph = Graph::new(&sources, &roots, true);
    let dead: Vec<_> = sources.iter().filter(|source| !graph.reached.contains(&source.path)).collect();
    none(
        &dead.iter().map(|source| source.path.clone()).collect::<Vec<_>>(),
        "declare it as a module, or delete it",
    );
}

#[test]
fn a_planted_circle_is_found_with_its_files_and_lines() {
    let sources = [
        Source::new("src/lib.rs", "mod a;\nmod b;\nmod c;\n"),
        Source::new("src/a.rs", "use crate::b::B;\npub struct A;\n"),
        Source::new("src/b.rs", "//! B.\n\nuse super::c::C;\npub struct B;\n"),
        Source::new("src/c.rs", "pub struct C(crate::{a::A});\npub fn f(_: crate::a::A) {}\n"),
    ];
    let found = circles(&Graph::new(&sources, &["src/lib.rs".into()], false));
    let expected = "3 files use each other in a circle:\n    src/a.rs:1 uses src/b.rs: crate::b::B (line 1)\n    \
                    src/b.rs:3 uses src/c.rs: super::c::C (line 3)\n    src/c.rs:2 uses src/a.rs: crate::a::A (line 2)";
    assert_eq!(found, [expected]);
}

#[test]
fn a_child_that_uses_its_parent_which_uses_the_child_is_a_circle() {
    let found = |parent: &str| {
        let sources = [
            Source::new("src/lib.rs", "mod parent;\n"),
            Source::new("src/parent.rs", parent),
            Source::new("src/parent/child.rs", "use super::Parent;\npub struct Child;\nimpl Parent {}\n"),
        ];
        circles(&Graph::new(&sources, &["src/lib.rs".into()], false)).len()
    };
    assert_eq!(found("mod child;\npub use child::Child;\npub struct Parent;\n"), 0);
    assert_eq!(found("mod child;\npub struct Parent(child::Child);\n"), 1);
    assert_eq!(found("mod child;\npub use child::Child;\npub struct Parent(Child);\n"), 1);
    assert_eq!(found("mod child;\n#[cfg(test)]\nuse child::Child;\npub struct Parent;\n"), 0);
}
