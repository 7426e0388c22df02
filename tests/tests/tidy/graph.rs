//! Which file uses which: every path of the sources, resolved through modules and re-exports. Knows no rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::module::WrittenPath;
use crate::source::Source;
use crate::tree::{Target, Tree};

/// The files of a package and what each uses of the others.
pub(crate) struct Graph {
    /// For a file and one that it uses: the places where it does, first one first.
    pub(crate) edges: BTreeMap<(String, String), Vec<Use>>,
    /// The files that the roots reach.
    pub(crate) reached: BTreeSet<String>,
}

/// One place where a file uses another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Use {
    pub(crate) line: usize,
    /// As it is written.
    pub(crate) path: String,
}

/// The files from which cargo compiles a target of the package in `directory`.
pub(crate) fn roots(directory: &str, sources: &[Source]) -> Vec<String> {
    let is_root = |source: &&Source| {
        let Some(inside) = source.path.strip_prefix(directory) else { return false };
        let parts: Vec<_> = inside.split('/').collect();
        matches!(
            parts[..],
            ["build.rs"]
                | ["src", "lib.rs" | "main.rs"]
                | ["src", "bin", _]
                | ["src", "bin", _, "main.rs"]
                | ["tests" | "examples" | "benches", _]
                | ["tests" | "examples" | "benches", _, "main.rs"]
        )
    };
    sources.iter().filter(is_root).map(|source| source.path.clone()).collect()
}

impl Graph {
    /// Of what the roots reach; code for tests only is looked at only if it is asked for.
    pub(crate) fn new(sources: &[Source], roots: &[String], with_tests: bool) -> Self {
        let sources: BTreeMap<_, _> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
        let mut graph = Self { edges: BTreeMap::new(), reached: BTreeSet::new() };
        for root in roots {
            let tree = Tree::new(&sources, root, with_tests);
            graph.reached.extend(tree.nodes.iter().map(|node| node.file.clone()));
            graph.add(&tree);
        }
        for uses in graph.edges.values_mut() {
            uses.sort_by_key(|used| used.line);
            uses.dedup();
        }
        graph
    }

    /// Adds what the modules of a target use.
    fn add(&mut self, tree: &Tree) {
        for (at, node) in tree.nodes.iter().enumerate() {
            let mut add = |target: Target, path: &WrittenPath| {
                let Target::Item(target) = target else { return };
                let target = &tree.nodes[target].file;
                if *target != node.file {
                    let used = Use { line: path.line, path: path.segments.join("::") };
                    self.edges.entry((node.file.clone(), target.clone())).or_default().push(used);
                }
            };
            for import in &node.module.imports {
                let target = tree.resolve(at, &import.path.segments, &mut Vec::new());
                if import.name == "*" {
                    for name in &node.module.words {
                        if let Target::Module(module) = target {
                            add(
                                tree.find(module, name, &mut Vec::new()).unwrap_or(Target::Outside),
                                &import.path,
                            );
                        }
                    }
                } else if !import.is_public
                    || node.module.words.contains(&import.name)
                    || !tree.is_below(target, at)
                {
                    add(target, &import.path);
                }
            }
            for path in &node.module.paths {
                // What starts with an item is counted where that item is imported.
                if let Some(Target::Item(_)) = tree.find(at, &path.segments[0], &mut Vec::new()) {
                    continue;
                }
                add(tree.resolve(at, &path.segments, &mut Vec::new()), path);
            }
        }
    }
}

/// The edges among files that are given as path and text, as "a -> b:line".
#[cfg(test)]
fn edges_of(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let graph = Graph::new(&sources, &roots("", &sources), false);
    graph.edges.iter().map(|((from, to), uses)| format!("{from}:{} -> {to}", uses[0].line)).collect()
}

#[test]
fn a_re_export_is_seen_through_and_uses_nothing() {
    let edges = edges_of(&[
        ("src/lib.rs", "mod room;\nmod user;\npub use room::Part;\n"),
        ("src/room/mod.rs", "mod part;\npub use part::{Part, part};\n"),
        ("src/room/part.rs", "pub struct Part;\n"),
        ("src/user.rs", "use crate::room::Part;\nfn f() { crate::room::part(); }"),
    ]);
    assert_eq!(edges, ["src/user.rs:1 -> src/room/part.rs"]);
}

#[test]
fn every_way_to_write_a_path_is_resolved() {
    let edges = edges_of(&[
        ("src/lib.rs", "mod a;\nmod b;\nmod c;\n"),
        ("src/a.rs", "mod below;\n\nuse crate::{b::{Deep, self}, c};\nfn f() { c::go(); below::g(); }\n"),
        ("src/a/below.rs", "pub(crate) fn g() {\n  super::super::b::h();\n  self::i()\n}\nfn i() {}\n"),
        ("src/b.rs", "pub struct Deep;\npub fn h() {}\nuse super::c::*;\nfn k() { go() }"),
        ("src/c.rs", "pub fn go() {}\n"),
    ]);
    let expected = [
        "src/a.rs:4 -> src/a/below.rs",
        "src/a.rs:3 -> src/b.rs",
        "src/a.rs:4 -> src/c.rs",
        "src/a/below.rs:2 -> src/b.rs",
        "src/b.rs:3 -> src/c.rs",
    ];
    assert_eq!(edges, expected);
}

#[test]
fn a_re_export_from_elsewhere_or_that_is_used_where_it_stands_is_a_use() {
    let edges = edges_of(&[
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", "mod own;\npub use own::Own;\npub use crate::b::Other;\nfn f(_: Own) {}\n"),
        ("src/a/own.rs", "pub struct Own;\n"),
        ("src/b.rs", "macro_rules! make { () => {} }\nmake!();\n"),
    ]);
    assert_eq!(edges, ["src/a.rs:2 -> src/a/own.rs", "src/a.rs:3 -> src/b.rs"]);
}
