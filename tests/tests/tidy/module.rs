//! The modules of one file: what each declares and imports, and which paths it names. Resolves nothing.

use std::collections::BTreeSet;

use crate::item::{closing, end_of_item, without_tests};
use crate::lexer::{Lexeme, lexemes};
use crate::source::Source;

/// A module as it is written, in a file or in braces.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its name, and that of every module in braces around it in the same file.
    pub(crate) inside: Vec<String>,
    /// The names of the items that it defines.
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Child modules in files of their own.
    pub(crate) children: Vec<Child>,
    pub(crate) paths: Vec<WrittenPath>,
    /// Every word of its code outside of imports.
    pub(crate) words: BTreeSet<String>,
}

/// A `mod name;`.
#[derive(Debug, PartialEq)]
pub(crate) struct Child {
    pub(crate) name: String,
    /// What `#[path = "…"]` says.
    pub(crate) path: Option<String>,
}

/// One name that a `use` brings in.
#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    /// What it is called here; `*` for all names of a module.
    pub(crate) name: String,
    pub(crate) path: WrittenPath,
    pub(crate) is_public: bool,
}

/// A path such as `super::tag::Tag`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WrittenPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// The modules of a file, the file's own first. What is compiled for tests only is left out unless it is asked for.
pub(crate) fn modules(source: &Source, with_tests: bool) -> Vec<Module> {
    let mut code = lexemes(&source.code);
    if !with_tests {
        code = without_tests(&code);
    }
    let mut reader = Reader { source, code, at: 0, modules: vec![Module::default()] };
    reader.read_items(0);
    reader.modules
}

struct Reader<'a> {
    source: &'a Source,
    code: Vec<Lexeme>,
    at: usize,
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn is(&self, ahead: usize, text: &str) -> bool {
        self.code.get(self.at + ahead).is_some_and(|lexeme| lexeme.is(text))
    }

    fn name(&self, ahead: usize) -> Option<String> {
        let lexeme = self.code.get(self.at + ahead).filter(|lexeme| lexeme.is_name());
        lexeme.map(|lexeme| lexeme.text.clone())
    }

    /// Reads the items of a module, up to the brace that closes it.
    fn read_items(&mut self, module: usize) {
        let mut path_attribute = None;
        let mut is_public = false;
        while self.at < self.code.len() && !self.is(0, "}") {
            if self.is(0, "#") {
                let start = if self.is(1, "!") { self.at + 2 } else { self.at + 1 };
                let end = closing(&self.code, start) + 1;
                if self.code[start + 1].is("path") {
                    path_attribute = quoted_in(&self.source.lines[self.code[start].line - 1]);
                }
                self.read_body(module, end);
            } else if self.is(0, "pub") {
                is_public = true;
                self.at += 1;
                if self.is(0, "(") {
                    self.at = closing(&self.code, self.at) + 1;
                }
            } else {
                self.read_item(module, is_public, path_attribute.take());
                is_public = false;
            }
        }
    }

    fn read_item(&mut self, module: usize, is_public: bool, path: Option<String>) {
        match (self.code[self.at].text.as_str(), self.name(1)) {
            ("mod", Some(name)) if self.is(2, ";") => {
                self.modules[module].children.push(Child { name, path });
                self.at += 3;
            }
            ("mod", Some(name)) if self.is(2, "{") => {
                let mut inside = self.modules[module].inside.clone();
                inside.push(name);
                self.modules.push(Module { inside, ..Module::default() });
                self.at += 3;
                self.read_items(self.modules.len() - 1);
                self.at += 1;
            }
            ("use", _) => self.read_use(module, is_public),
            ("const" | "async" | "unsafe" | "extern" | "default", Some(next))
                if ["fn", "unsafe", "async", "extern", "trait", "impl"].contains(&next.as_str()) =>
            {
                self.at += 1;
            }
            (keyword, name) => {
                let name = if keyword == "macro_rules" { self.name(2) } else { name };
                let defines = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
                if let Some(name) = name.filter(|_| defines.contains(&keyword) || keyword == "macro_rules") {
                    self.modules[module].items.insert(name);
                }
                let end = end_of_item(&self.code, self.at).max(self.at + 1);
                self.read_body(module, end);
            }
        }
    }

    /// Reads the paths and words up to `end`, and what is imported inside of functions.
    fn read_body(&mut self, module: usize, end: usize) {
        while self.at < end {
            if self.is(0, "use") {
                self.read_use(module, false);
                continue;
            }
            let Some(first) = self.name(0) else {
                self.at += 1;
                continue;
            };
            let starts = self.at == 0 || ![".", "::"].contains(&self.code[self.at - 1].text.as_str());
            let line = self.code[self.at].line;
            let mut segments = vec![first];
            self.at += 1;
            while self.is(0, "::") && self.name(1).is_some() {
                segments.extend(self.name(1));
                self.at += 2;
            }
            self.modules[module].words.extend(segments.iter().take(1).cloned());
            if starts && segments.len() > 1 {
                self.modules[module].paths.push(WrittenPath { segments, line });
            }
        }
    }

    fn read_use(&mut self, module: usize, is_public: bool) {
        self.at += 1;
        let mut imports = Vec::new();
        self.read_use_tree(&[], &mut imports);
        self.at += 1;
        let imports = imports.into_iter().map(|(name, path)| Import { name, path, is_public });
        self.modules[module].imports.extend(imports);
    }

    /// Reads one branch of a `use`, up to the mark behind it.
    fn read_use_tree(&mut self, prefix: &[String], imports: &mut Vec<(String, WrittenPath)>) {
        let mut segments = prefix.to_vec();
        let line = self.code.get(self.at).map_or(0, |lexeme| lexeme.line);
        while let Some(lexeme) = self.code.get(self.at) {
            match lexeme.text.as_str() {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while self.at < self.code.len() && !self.is(0, "}") {
                        self.read_use_tree(&segments, imports);
                        self.at += usize::from(self.is(0, ","));
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    imports.push(("*".into(), WrittenPath { segments, line }));
                    return;
                }
                "as" => {
                    let name = self.name(1).unwrap_or_default();
                    self.at += 2;
                    imports.push((name, WrittenPath { segments, line }));
                    return;
                }
                "self" if !segments.is_empty() => self.at += 1,
                _ if lexeme.is_name() => {
                    segments.push(lexeme.text.clone());
                    self.at += 1;
                }
                _ => break,
            }
        }
        let name = segments.last().cloned().unwrap_or_default();
        imports.push((name, WrittenPath { segments, line }));
    }
}

fn quoted_in(line: &str) -> Option<String> {
    line.split('"').nth(1).map(String::from)
}

#[cfg(test)]
fn import(name: &str, path: &[&str], line: usize) -> Import {
    let segments = path.iter().map(|&segment| segment.into()).collect();
    Import { name: name.into(), path: WrittenPath { segments, line }, is_public: false }
}

#[test]
fn a_use_brings_in_each_name_of_its_groups() {
    let source = Source::new("a.rs", "use crate::x::{self, y::{Z as Q, W},\n  v::*};\nuse super::u;\n");
    let found = modules(&source, false);
    let expected = [
        import("x", &["crate", "x"], 1),
        import("Q", &["crate", "x", "y", "Z"], 1),
        import("W", &["crate", "x", "y", "W"], 1),
        import("*", &["crate", "x", "v"], 2),
        import("u", &["super", "u"], 3),
    ];
    assert_eq!(found[0].imports, expected);
}

#[test]
fn what_is_compiled_for_tests_only_is_left_out() {
    let text = "#[cfg(test)]\nmod tests;\nmod a;\nstruct S {\n  #[cfg(test)]\n  x: crate::b::B,\n  y: crate::c::C,\n}\n\
                #[cfg(test)]\nuse crate::d::{E, F};\nimpl S {\n  #[cfg(test)]\n  fn f(&self) { crate::g::h() }\n}\n";
    let names = |with_tests| {
        let found = modules(&Source::new("a.rs", text), with_tests);
        let children: Vec<_> = found[0].children.iter().map(|child| child.name.clone()).collect();
        let paths: Vec<_> = found[0].paths.iter().map(|path| path.segments.join("::")).collect();
        (children, paths, found[0].imports.len())
    };
    assert_eq!(names(false), (vec!["a".into()], vec!["crate::c::C".into()], 0));
    let all = vec!["crate::b::B".into(), "crate::c::C".into(), "crate::g::h".into()];
    assert_eq!(names(true), (vec!["tests".into(), "a".into()], all, 2));
}

#[test]
fn modules_in_braces_and_paths_of_files_are_read() {
    let text = "#[path = \"../x/y.rs\"]\nmod z;\npub mod inner {\n  pub const fn f() {}\n  mod deep { struct T; }\n}\n";
    let found = modules(&Source::new("a.rs", text), false);
    assert_eq!(found[0].children, [Child { name: "z".into(), path: Some("../x/y.rs".into()) }]);
    assert_eq!(found[1].inside, ["inner"]);
    assert!(found[1].items.contains("f"));
    assert_eq!(found[2].inside, ["inner", "deep"]);
    assert!(found[2].items.contains("T"));
}
