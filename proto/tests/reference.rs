//! `docs/reference.md` is generated from the contract and its comments, and this test fails when it is stale.

mod descriptors;
mod source_comments;

use descriptors::{bare, enums, files, messages, oneof};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use source_comments::comments;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// The committed page, from the root of this crate.
const PAGE: &str = "../docs/reference.md";

/// How to write the page again.
const BLESS: &str =
    "run `APPORTION_BLESS=1 cargo test -p apportion-proto --test reference` and commit docs/reference.md";

/// The files in reading order: the service that applications call first.
const ORDER: [&str; 17] = [
    "quota_service",
    "lease",
    "observation",
    "signals",
    "priority",
    "reason",
    "snapshot",
    "explanation",
    "usage",
    "admin_service",
    "workspace",
    "team",
    "domain",
    "token",
    "cluster",
    "audit",
    "backup",
];

/// The package of the well-known types, and where it is documented.
const WELL_KNOWN: &str = "google.protobuf.";
const WELL_KNOWN_URL: &str = "https://protobuf.dev/reference/protobuf/google.protobuf/";

const INTRODUCTION: &str = "# API reference

This page describes the gRPC API of Apportion, package `apportion.v1`. It is generated from
[`proto/apportion/v1/`](../proto/apportion/v1/). To change it, change the comments there and run
`APPORTION_BLESS=1 cargo test -p apportion-proto --test reference`.
";

/// One file of the contract while it is written as Markdown.
struct Section<'a> {
    file: &'a FileDescriptorProto,
    comments: BTreeMap<Vec<i32>, String>,
    /// Names of types and calls that have a heading on the page.
    headings: &'a BTreeSet<String>,
}

impl Section<'_> {
    fn comment(&self, path: &[usize]) -> &str {
        let path: Vec<i32> = path.iter().map(|at| i32::try_from(*at).expect("a file is short")).collect();
        self.comments.get(&path).map_or("", String::as_str)
    }

    /// The title and the summary of the file, from its first comment: `Title: summary.`.
    fn title(&self) -> (String, String) {
        let locations = self.file.source_code_info.iter().flat_map(|info| &info.location);
        let detached = locations.flat_map(|location| &location.leading_detached_comments).next();
        let text = detached.expect("every file starts with a comment").trim().replace("\n ", " ");
        let (title, summary) = text.split_once(": ").expect("a title, a colon and a summary");
        (capitalized(title.trim_start_matches("The ")), capitalized(summary))
    }

    fn write(&self, page: &mut String) {
        let (title, summary) = self.title();
        let _ = writeln!(page, "\n## {title}\n\n{summary}");
        for (at, service) in self.file.service.iter().enumerate() {
            self.write_service(page, at, service);
        }
        for (at, message) in self.file.message_type.iter().enumerate() {
            self.write_message(page, at, message);
        }
        for (at, values) in self.file.enum_type.iter().enumerate() {
            self.write_enum(page, at, values);
        }
    }

    fn write_service(&self, page: &mut String, at: usize, service: &ServiceDescriptorProto) {
        let _ = writeln!(page, "\n### {}\n\n{}", service.name(), self.prose(&[6, at]));
        for (nth, call) in service.method.iter().enumerate() {
            let _ = writeln!(page, "\n#### {}\n\n{}", call.name(), self.signature(call));
            let _ = writeln!(page, "\n{}", self.prose(&[6, at, 2, nth]));
        }
    }

    fn signature(&self, call: &MethodDescriptorProto) -> String {
        let stream = |is: bool| if is { "stream of " } else { "" };
        format!(
            "Request: {}{}. Response: {}{}.",
            stream(call.client_streaming()),
            self.link(bare(call.input_type())),
            stream(call.server_streaming()),
            self.link(bare(call.output_type())),
        )
    }

    fn write_message(&self, page: &mut String, at: usize, message: &DescriptorProto) {
        let _ = writeln!(page, "\n### {}\n\n{}", message.name(), self.prose(&[4, at]));
        if message.field.is_empty() {
            page.push_str("\nThis message has no fields.\n");
            return;
        }
        page.push_str("\n| Field | Type | Description |\n| --- | --- | --- |\n");
        let mut group = None;
        for (nth, field) in message.field.iter().enumerate() {
            let name = oneof(message, field);
            if let Some(name) = name.filter(|_| group != name) {
                let place = message.oneof_decl.iter().position(|oneof| oneof.name() == name);
                let place = place.expect("a field names a oneof of its message");
                let _ = writeln!(page, "| `{name}` | oneof | {} |", self.cell(&[4, at, 8, place]));
            }
            group = name;
            let text = self.cell(&[4, at, 2, nth]);
            let kind = self.kind(field, name);
            let _ = writeln!(page, "| `{}` = {} | {kind} | {text} |", field.name(), field.number());
        }
    }

    fn write_enum(&self, page: &mut String, at: usize, values: &EnumDescriptorProto) {
        let _ = writeln!(page, "\n### {}\n\n{}", values.name(), self.prose(&[5, at]));
        page.push_str("\n| Value | Description |\n| --- | --- |\n");
        for (nth, value) in values.value.iter().enumerate() {
            let text = self.cell(&[5, at, 2, nth]);
            let _ = writeln!(page, "| `{}` = {} | {text} |", value.name(), value.number());
        }
    }

    /// The type of a field, with its label.
    fn kind(&self, field: &FieldDescriptorProto, oneof: Option<&str>) -> String {
        let kind = match field.r#type() {
            Type::Message | Type::Enum => self.link(bare(field.type_name())),
            scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        };
        match (field.label(), oneof) {
            (Label::Repeated, _) => format!("repeated {kind}"),
            (_, Some(oneof)) => format!("{kind} (in `{oneof}`)"),
            _ if field.proto3_optional() => format!("optional {kind}"),
            _ => kind,
        }
    }

    /// A type by its name, linked to where it is described.
    fn link(&self, name: &str) -> String {
        if let Some(name) = name.strip_prefix(WELL_KNOWN) {
            return format!("[{name}]");
        }
        assert!(self.headings.contains(name), "{name} has no heading");
        format!("[{name}](#{})", name.to_lowercase())
    }

    /// A comment as paragraphs and lists.
    fn prose(&self, path: &[usize]) -> String {
        self.linked(&self.comment(path).replace("\n ", "\n"))
    }

    /// A comment as one line of a table.
    fn cell(&self, path: &[usize]) -> String {
        let comment = self.comment(path).replace("\n ", "\n");
        let items = comment.replace("\n\n- ", "<br>• ").replace("\n- ", "<br>• ").replace("\n\n", "<br><br>");
        self.linked(&items.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|"))
    }

    /// The text with each `Name` in backticks that has a heading turned into a link.
    fn linked(&self, text: &str) -> String {
        let mut linked = String::new();
        for (at, part) in text.split('`').enumerate() {
            match (at % 2 == 1, self.headings.contains(part)) {
                (true, true) => {
                    let _ = write!(linked, "[`{part}`](#{})", part.to_lowercase());
                }
                (true, false) => {
                    let _ = write!(linked, "`{part}`");
                }
                (false, _) => linked.push_str(part),
            }
        }
        linked
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Names of types and calls, each of which gets a heading.
fn headings(files: &[FileDescriptorProto]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        found.extend(messages(file).into_iter().map(|(name, _)| name));
        found.extend(enums(file).into_iter().map(|(name, _)| name));
        for service in &file.service {
            found.insert(service.name().to_owned());
            found.extend(service.method.iter().map(|call| call.name().to_owned()));
        }
    }
    found
}

fn rendered() -> String {
    let files = files();
    assert_eq!(files.len(), ORDER.len(), "list every file of the contract in ORDER");
    let headings = headings(&files);
    let sections = ORDER.map(|stem| {
        let name = format!("apportion/v1/{stem}.proto");
        let file = files.iter().find(|file| file.name() == name).expect("a file of the contract");
        Section { file, comments: comments(file), headings: &headings }
    });
    let mut page = INTRODUCTION.to_owned() + "\n";
    for section in &sections {
        let (title, summary) = section.title();
        let _ = writeln!(page, "- [{title}](#{}): {summary}", title.to_lowercase().replace(' ', "-"));
    }
    for section in &sections {
        section.write(&mut page);
    }
    page + "\n" + &well_known(&files)
}

/// `field-mask` for `FieldMask`, as the headings there are linked.
fn kebab(name: &str) -> String {
    let mut words = String::new();
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            words.push('-');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// The definitions of the links to the well-known types in use.
fn well_known(files: &[FileDescriptorProto]) -> String {
    let fields = files.iter().flat_map(messages).flat_map(|(_, message)| message.field);
    let names: BTreeSet<String> = fields
        .filter_map(|field| bare(field.type_name()).strip_prefix(WELL_KNOWN).map(str::to_owned))
        .collect();
    names
        .iter()
        .fold(String::new(), |lines, name| lines + &format!("[{name}]: {WELL_KNOWN_URL}#{}\n", kebab(name)))
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let is = rendered();
    if env::var_os("APPORTION_BLESS").is_some() {
        fs::write(&path, &is).expect("the page can be written");
        return;
    }
    let was = fs::read_to_string(&path).unwrap_or_default();
    let differs = is.lines().zip(was.lines()).find(|(is, was)| is != was);
    assert!(was == is, "docs/reference.md is stale, first at {differs:?}; {BLESS}");
}
