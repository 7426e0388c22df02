//! A name of a type means one thing in the server, and one in the client library.
//!
//! A file whose types mirror the keys of a file or the messages of a store gives them a suffix that says so, such as `LimitTable`,
//! `TeamEntry` and `ShardMessage`.

use std::collections::BTreeMap;

use crate::lexer::lexemes;
use crate::source::{Source, none, product_sources};

/// Names that may stand more than once, and why.
const SHARED: [(&str, &str); 2] = [
    ("Args", "clap: the arguments of one command, named by its module"),
    ("Command", "clap: the subcommands of one command, named by its module"),
];

/// The client library is a package of its own. Its users never see the server's types, so that names such as `Lease` may repeat there.
const CLIENT: &str = "client/";

/// Every type that more than its own file sees and whose name stands twice, as "Name: places".
fn duplicates(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
    for source in sources {
        let code = lexemes(&source.code);
        for (at, lexeme) in code.iter().enumerate().filter(|(_, lexeme)| lexeme.is("pub")) {
            let mut rest = code[at + 1..].iter();
            let mut next = rest.next();
            if next.is_some_and(|lexeme| lexeme.is("(")) {
                next = rest.by_ref().skip_while(|lexeme| !lexeme.is(")")).nth(1);
            }
            let is_type = next.is_some_and(|lexeme| {
                ["struct", "enum", "trait", "type", "union"].contains(&lexeme.text.as_str())
            });
            if let Some(name) = rest.next().filter(|_| is_type) {
                let is_client = source.path.starts_with(CLIENT);
                let places = places.entry((is_client, name.text.clone())).or_default();
                places.push(format!("{}:{}", source.path, lexeme.line));
            }
        }
    }
    places.retain(|(_, name), places| places.len() > 1 && !SHARED.iter().any(|(shared, _)| shared == name));
    places.iter().map(|((_, name), places)| format!("{name}: {}", places.join(", "))).collect()
}

#[test]
fn a_name_of_a_type_stands_once_in_the_product() {
    none(&duplicates(&product_sources()), "rename all but one after what sets them apart");
}

#[test]
fn a_type_that_is_named_twice_is_found() {
    let sources = [
        Source::new("a.rs", "pub struct One;\nstruct Own;\npub(crate) enum Two {}\n// pub struct Three;\n"),
        Source::new(
            "b.rs",
            "pub(in crate::x) type Two = u8;\nstruct Own;\npub struct Three;\npub fn One() {}\n",
        ),
    ];
    assert_eq!(duplicates(&sources), ["Two: a.rs:3, b.rs:1"]);
    let client = ["client/a.rs", "client/b.rs"].map(|path| Source::new(path, "pub struct Two;\n"));
    assert_eq!(duplicates(&client), ["Two: client/a.rs:1, client/b.rs:1"]);
    let [own, _] = client;
    let [server, _] = sources;
    assert!(duplicates(&[own, server]).is_empty());
}
