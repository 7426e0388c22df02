//! The modules of one target, over all of its files, and what a path in one of them leads to.

use std::collections::BTreeMap;

use crate::module::{Module, modules};
use crate::source::Source;

/// The modules of one target.
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

/// One module.
pub(crate) struct Node {
    pub(crate) file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    pub(crate) module: Module,
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Target {
    Module(usize),
    /// An item that the module's file defines.
    Item(usize),
    Outside,
}

impl Tree {
    pub(crate) fn new(sources: &BTreeMap<&str, &Source>, root: &str, with_tests: bool) -> Self {
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

    /// Whether the target lies in a module below `node`, so that a re-export of it uses nothing.
    pub(crate) fn is_below(&self, target: Target, node: usize) -> bool {
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
    pub(crate) fn resolve<'a>(
        &'a self,
        from: usize,
        path: &'a [String],
        visited: &mut Vec<(usize, &'a str)>,
    ) -> Target {
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
    pub(crate) fn find<'a>(
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
