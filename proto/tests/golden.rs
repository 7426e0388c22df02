//! Compares the contract with a committed text, line by line, so that it does not change by accident.
//!
//! A line is `key = value`. A line that is removed or changed breaks existing clients. A new line does not.

mod descriptors;

use descriptors::{bare, enums, files, messages, oneof};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

/// The committed text, from the root of this crate.
const GOLDEN: &str = "tests/golden/apportion.v1.txt";

/// How to accept a change.
const ACCEPT: &str = "if this is intended, run `APPORTION_BLESS=1 cargo test -p apportion-proto --test golden` and commit \
                          proto/tests/golden/apportion.v1.txt with the change";

/// The whole contract as text, sorted.
fn rendered() -> String {
    let mut lines: Vec<String> = files().iter().flat_map(lines_of).collect();
    lines.sort();
    lines.join("\n") + "\n"
}

fn lines_of(file: &FileDescriptorProto) -> Vec<String> {
    let mut lines = Vec::new();
    for service in &file.service {
        for rpc in &service.method {
            let stream = |is: bool| if is { "stream " } else { "" };
            let (takes, gives) = (bare(rpc.input_type()), bare(rpc.output_type()));
            let (sent, got) = (stream(rpc.client_streaming()), stream(rpc.server_streaming()));
            lines.push(format!(
                "rpc {}.{} = ({sent}{takes}) returns ({got}{gives})",
                service.name(),
                rpc.name()
            ));
        }
    }
    for (name, message) in messages(file) {
        lines.push(format!("message {name} = in {}", file.package()));
        lines.extend(message.field.iter().map(|field| field_line(&name, &message, field)));
        lines.extend(
            message.reserved_range.iter().map(|range| {
                format!("message {name} {:03} = reserved to {}", range.start(), range.end() - 1)
            }),
        );
    }
    for (name, values) in enums(file) {
        lines.push(format!("enum {name} = in {}", file.package()));
        let line = |number: i32, value: &str| format!("enum {name} {number:03} = {value}");
        lines.extend(values.value.iter().map(|value| line(value.number(), value.name())));
    }
    lines
}

fn field_line(name: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let kind = match field.r#type() {
        Type::Message | Type::Enum => bare(field.type_name()).to_owned(),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    let presence = match (field.label(), oneof(message, field)) {
        (Label::Repeated, _) => "repeated ".to_owned(),
        (_, Some(oneof)) => format!("oneof {oneof} "),
        _ if field.proto3_optional() => "optional ".to_owned(),
        _ => String::new(),
    };
    format!("message {name} {:03} = {presence}{kind} {}", field.number(), field.name())
}

fn by_key(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(" = ")).collect()
}

/// The changes that break clients, then the new lines.
fn changes(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (before, after) = (by_key(before), by_key(after));
    let mut breaking = Vec::new();
    for (key, was) in &before {
        match after.get(key) {
            None => breaking.push(format!("removed: {key} = {was}")),
            Some(is) if is != was => breaking.push(format!("changed: {key} was `{was}`, is `{is}`")),
            Some(_) => {}
        }
    }
    let new = after.iter().filter(|(key, _)| !before.contains_key(*key));
    (breaking, new.map(|(key, is)| format!("new: {key} = {is}")).collect())
}

#[test]
fn the_contract_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let is = rendered();
    if env::var_os("APPORTION_BLESS").is_some() {
        fs::write(&path, &is).expect("the golden text can be written");
        return;
    }
    let was = fs::read_to_string(&path).unwrap_or_default();
    let (breaking, new) = changes(&was, &is);
    assert!(
        breaking.is_empty(),
        "this breaks existing clients:\n  {}\nand adds {} lines; {ACCEPT}\n",
        breaking.join("\n  "),
        new.len()
    );
    assert!(new.is_empty(), "this is compatible but new:\n  {}\n{ACCEPT}\n", new.join("\n  "));
    assert!(was == is, "the golden text differs from the rendered one; {ACCEPT}");
}

#[test]
fn removals_and_changes_break_clients_and_additions_do_not() {
    let before = "message A 001 = string x\nmessage A 002 = uint32 y\nmessage A 003 = bool z\n";
    let after = "message A 001 = optional string x\nmessage A 003 = bool z\nmessage A 004 = uint32 y\n";
    let (breaking, new) = changes(before, after);
    assert_eq!(
        breaking,
        [
            "changed: message A 001 was `string x`, is `optional string x`",
            "removed: message A 002 = uint32 y"
        ]
    );
    assert_eq!(new, ["new: message A 004 = uint32 y"]);
    assert_eq!(changes(before, before), (vec![], vec![]));
}
