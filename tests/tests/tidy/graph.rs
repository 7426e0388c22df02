//! Which file uses which: every path of the sources, resolved through modules and re-exports. Knows no rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::module::{Module, WrittenPath, modules};
use crate::source::Source;

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
        match parts[..] {
            ["build.rs"] | ["src", "lib.rs" | "main.rs"] | ["src", "bin", _] => true,
            ["tests" | "examples" | "benches", _] => true,
            ["src", "bin", _, "main.rs"] | ["tests" | "examples" | "benches", _, "main.rs"] => true,
            _ => false,
        }
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
            tree.add_edges(&mut graph.edges);
        }
        for uses in graph.edges.values_mut() {
            uses.sort_by_key(|used| used.line);
            uses.dedup();
        }
        graph
    }
}

/// The modules of one target.
struct Tree {
    nodes: Vec<Node>,
}

struct Node {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    module: Module,
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Module(usize),
    /// An item that the module's file defines.
    Item(usize),
    Outside,
}

impl Tree {
    fn new(sources: &BTreeMap<&str, &Source>, root: &str, with_tests: bool) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        let directory = root.rsplit_once('/').map_or("", |(directory, _)| directory);
        tree.add_file(sources, root, directory, None, with_tests);
        tree
    }

    /// Adds the modules of a file, and of the files that it declares; those without a `#[path]` lie in `directory`.
    fn add_file(
        &mut self,
        sources: &BTreeMap<&str, &Source>,
        file: &str,
        directory: &str,
        parent: Option<usize>,
        with_tests: bool,
    ) -> usize {
        let first = self.nodes.len();
        let source = sources.get(file).unwrap_or_else(|| panic!("{file} is declared and not there"));
        for module in modules(source, with_tests) {
            let parent = match module.inside.split_last() {
                None => parent,
                Some((name, outer)) => {
                    let outer = outer.iter().fold(first, |node, name| self.nodes[node].children[name]);
                    let place = self.nodes.len();
                    self.nodes[outer].children.insert(name.clone(), place);
                    Some(outer)
                }
            };
            self.nodes.push(Node { file: file.into(), parent, children: BTreeMap::new(), module });
        }
        for node in first..self.nodes.len() {
            let inside = self.nodes[node].module.inside.join("/");
            let directory =
                if inside.is_empty() { directory.into() } else { format!("{directory}/{inside}") };
            for child in std::mem::take(&mut self.nodes[node].module.children) {
                let beside = file.rsplit_once('/').map_or("", |(directory, _)| directory);
                let (path, below) = match child.path {
                    Some(path) => {
                        let path = joined(beside, &path);
                        let below = path.rsplit_once('/').map_or(String::new(), |(below, _)| below.into());
                        (path, below)
                    }
                    None => {
                        let below = joined(&directory, &child.name);
                        let flat = format!("{below}.rs");
                        let is_flat = sources.contains_key(flat.as_str());
                        (if is_flat { flat } else { format!("{below}/mod.rs") }, below)
                    }
                };
                let place = self.add_file(sources, &path, &below, Some(node), with_tests);
                self.nodes[node].children.insert(child.name, place);
            }
        }
        first
    }

    fn add_edges(&self, edges: &mut BTreeMap<(String, String), Vec<Use>>) {
        for (at, node) in self.nodes.iter().enumerate() {
            let mut add = |target: Target, path: &WrittenPath| {
                let Target::Item(target) = target else { return };
                let target = &self.nodes[target].file;
                if *target != node.file {
                    let used = Use { line: path.line, path: path.segments.join("::") };
                    edges.entry((node.file.clone(), target.clone())).or_default().push(used);
                }
            };
            for import in &node.module.imports {
                let target = self.resolve(at, &import.path.segments, &mut Vec::new());
                if import.name == "*" {
                    for name in &node.module.words {
                        if let Target::Module(module) = target {
                            add(
                                self.find(module, name, &mut Vec::new()).unwrap_or(Target::Outside),
                                &import.path,
                            );
                        }
                    }
                } else if !import.is_public
                    || node.module.words.contains(&import.name)
                    || !self.is_below(target, at)
                {
                    add(target, &import.path);
                }
            }
            for path in &node.module.paths {
                // What starts with an item is counted where that item is imported.
                if let Some(Target::Item(_)) = self.find(at, &path.segments[0], &mut Vec::new()) {
                    continue;
                }
                add(self.resolve(at, &path.segments, &mut Vec::new()), path);
            }
        }
    }

    /// Whether the target lies in a module below `node`, so that a re-export of it uses nothing.
    fn is_below(&self, target: Target, node: usize) -> bool {
        let (Target::Item(place) | Target::Module(place)) = target else { return false };
        let mut place = Some(place);
        while let Some(at) = place {
            if at == node {
                return true;
            }
            place = self.nodes[at].parent;
        }
        false
    }

    /// Where a path that stands in the module `from` leads to.
    fn resolve<'a>(&'a self, from: usize, path: &'a [String], visited: &mut Vec<(usize, &'a str)>) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Outside };
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => self.nodes[from].parent.map_or(Target::Outside, Target::Module),
            "Self" => return Target::Outside,
            name => self.find(from, name, visited).unwrap_or(Target::Outside),
        };
        for name in rest {
            target = match target {
                Target::Module(module) if name == "super" => {
                    self.nodes[module].parent.map_or(Target::Outside, Target::Module)
                }
                // What a macro made is found nowhere: it stands in that file all the same.
                Target::Module(module) => self.find(module, name, visited).unwrap_or(Target::Item(module)),
                found => return found,
            };
        }
        target
    }

    /// What a name means in a module.
    fn find<'a>(
        &'a self,
        module: usize,
        name: &'a str,
        visited: &mut Vec<(usize, &'a str)>,
    ) -> Option<Target> {
        let node = &self.nodes[module];
        if let Some(&child) = node.children.get(name) {
            return Some(Target::Module(child));
        }
        if node.module.items.contains(name) {
            return Some(Target::Item(module));
        }
        if visited.contains(&(module, name)) {
            return None;
        }
        visited.push((module, name));
        let mut found = None;
        for import in &node.module.imports {
            if import.name == name {
                found = Some(self.resolve(module, &import.path.segments, visited));
            } else if import.name == "*"
                && let Target::Module(other) = self.resolve(module, &import.path.segments, visited)
            {
                found = found.or(self.find(other, name, visited));
            }
        }
        visited.pop();
        found
    }
}

/// A path from a directory, with `..` taken out.
fn joined(directory: &str, path: &str) -> String {
    let mut parts: Vec<_> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
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
