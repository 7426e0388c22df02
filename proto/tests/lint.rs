//! The rules of `buf lint` (STANDARD) that apply here, and that everything has a comment: checked without buf.

mod descriptors;
mod source_comments;

use descriptors::{PACKAGE, PEER_PACKAGE, bare, enums, files, messages, oneof};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use source_comments::comments;
use std::collections::BTreeSet;

/// The gRPC statuses that a reason may come with.
const STATUSES: [&str; 11] = [
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "CANCELLED",
    "ALREADY_EXISTS",
    "ABORTED",
    "FAILED_PRECONDITION",
    "INTERNAL",
];

/// The files of the public API and of the contract between nodes.
fn all_files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(apportion_proto::PEER_FILE_DESCRIPTOR_SET).expect("the set is valid");
    let of_peers = set.file.into_iter().filter(|file| file.package() == PEER_PACKAGE);
    let of_peers: Vec<_> = of_peers.collect();
    assert!(!of_peers.is_empty(), "the contract between nodes was not found");
    files().into_iter().chain(of_peers).collect()
}

fn none(broken: &[String], what_to_do: &str) {
    assert!(broken.is_empty(), "{what_to_do}:\n  {}\n", broken.join("\n  "));
}

fn is_snake(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    starts && plain && !name.contains("__") && !name.ends_with('_')
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn pascal(snake: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    snake.split('_').map(word).collect()
}

fn upper_snake(pascal: &str) -> String {
    let mut name = String::new();
    for (at, c) in pascal.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// Every element that needs a comment: its path in the descriptor and its name. No message here nests another.
fn elements(file: &FileDescriptorProto) -> Vec<(Vec<i32>, String)> {
    let place = |at: usize| i32::try_from(at).expect("a file is short");
    let mut found = Vec::new();
    for (at, message) in file.message_type.iter().enumerate() {
        assert!(message.nested_type.is_empty() && message.enum_type.is_empty(), "{}: nested", message.name());
        let path = vec![4, place(at)];
        for (at, field) in message.field.iter().enumerate() {
            found.push((
                [&path[..], &[2, place(at)]].concat(),
                format!("{}.{}", message.name(), field.name()),
            ));
        }
        for (at, oneof) in message.oneof_decl.iter().enumerate().filter(|(_, it)| !it.name().starts_with('_'))
        {
            found.push((
                [&path[..], &[8, place(at)]].concat(),
                format!("{}.{}", message.name(), oneof.name()),
            ));
        }
        found.push((path, message.name().to_owned()));
    }
    for (at, values) in file.enum_type.iter().enumerate() {
        let path = vec![5, place(at)];
        for (at, value) in values.value.iter().enumerate() {
            found.push(([&path[..], &[2, place(at)]].concat(), value.name().to_owned()));
        }
        found.push((path, values.name().to_owned()));
    }
    for (at, service) in file.service.iter().enumerate() {
        let path = vec![6, place(at)];
        for (at, rpc) in service.method.iter().enumerate() {
            found.push(([&path[..], &[2, place(at)]].concat(), format!("{}.{}", service.name(), rpc.name())));
        }
        found.push((path, service.name().to_owned()));
    }
    found
}

#[test]
fn every_file_matches_its_package() {
    let broken: Vec<_> = files()
        .iter()
        .filter(|file| {
            let stem = file.name().strip_prefix("apportion/v1/").and_then(|name| name.strip_suffix(".proto"));
            file.package() != PACKAGE || file.syntax() != "proto3" || !stem.is_some_and(is_snake)
        })
        .map(|file| format!("{}: package {}", file.name(), file.package()))
        .collect();
    none(&broken, "package apportion.v1, proto3, apportion/v1/lower_snake.proto");
}

/// A Go package and a Java package are public names: users of the contract have them in their imports.
#[test]
fn every_file_names_the_same_packages_of_other_languages() {
    for file in files() {
        let options = file.options.clone().unwrap_or_default();
        let stem = file.name().trim_start_matches("apportion/v1/").trim_end_matches(".proto");
        assert_eq!(options.go_package(), "apportion.dev/client/apportionv1;apportionv1", "{stem}");
        assert_eq!(options.java_package(), "dev.apportion.v1", "{stem}");
        assert!(options.java_multiple_files(), "{stem}: java_multiple_files");
        assert_eq!(options.java_outer_classname(), format!("{}Proto", pascal(stem)), "{stem}");
    }
}

#[test]
fn every_import_is_used_and_is_well_known_or_local() {
    let mut broken = Vec::new();
    for file in files() {
        let fields = messages(&file).into_iter().flat_map(|(_, message)| message.field);
        let mut used: BTreeSet<String> = fields.map(|field| field.type_name().to_owned()).collect();
        for rpc in file.service.iter().flat_map(|service| &service.method) {
            used.extend([rpc.input_type().to_owned(), rpc.output_type().to_owned()]);
        }
        for import in &file.dependency {
            let known = if let Some(name) = import.strip_prefix("google/protobuf/") {
                let name = name.trim_end_matches(".proto").replace('_', "");
                used.iter().any(|used| used.to_lowercase() == format!(".google.protobuf.{name}"))
            } else {
                files().iter().filter(|file| file.name() == import).any(|file| {
                    let messages = messages(file).into_iter().map(|(name, _)| name);
                    let mut names = messages.chain(enums(file).into_iter().map(|(name, _)| name));
                    names.any(|name| used.contains(&format!(".{PACKAGE}.{name}")))
                })
            };
            if !known {
                broken.push(format!("{}: {import}", file.name()));
            }
        }
        if !file.public_dependency.is_empty() || !file.weak_dependency.is_empty() {
            broken.push(format!("{}: a public or weak import", file.name()));
        }
    }
    none(&broken, "import only used files, from google/protobuf or apportion/v1");
}

#[test]
fn messages_and_fields_follow_the_naming_rules() {
    let mut broken = Vec::new();
    for (name, message) in all_files().iter().flat_map(messages) {
        if !name.split('.').all(is_pascal) {
            broken.push(name.clone());
        }
        for field in &message.field {
            if !is_snake(field.name()) || !oneof(&message, field).is_none_or(is_snake) {
                broken.push(format!("{name}.{}", field.name()));
            }
        }
    }
    none(&broken, "PascalCase messages, lower_snake_case fields and oneofs");
}

#[test]
fn enum_values_have_the_prefix_of_their_enum_and_zero_is_unspecified() {
    let mut broken = Vec::new();
    for (name, values) in files().iter().flat_map(enums) {
        let prefix = upper_snake(name.rsplit('.').next().unwrap_or_default());
        let zero = &values.value[0];
        if zero.number() != 0 || zero.name() != format!("{prefix}_UNSPECIFIED") || !is_pascal(&name) {
            broken.push(format!("{name}: {} = {}", zero.name(), zero.number()));
        }
        if values.options.as_ref().is_some_and(|options| options.allow_alias()) {
            broken.push(format!("{name}: aliases"));
        }
        for value in &values.value {
            let rest = value.name().strip_prefix(&format!("{prefix}_"));
            if !rest.is_some_and(|rest| is_snake(&rest.to_lowercase()) && rest == rest.to_uppercase()) {
                broken.push(value.name().to_owned());
            }
        }
    }
    none(&broken, "ENUM_NAME_UPPER_SNAKE, the first one ENUM_NAME_UNSPECIFIED = 0, no aliases");
}

#[test]
fn every_call_has_a_request_and_a_response_of_its_own() {
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for service in all_files().iter().flat_map(|file| &file.service) {
        if !is_pascal(service.name()) || !service.name().ends_with("Service") {
            broken.push(service.name().to_owned());
        }
        for rpc in &service.method {
            let (takes, gives) = (bare(rpc.input_type()).to_owned(), bare(rpc.output_type()).to_owned());
            let named =
                takes == format!("{}Request", rpc.name()) && gives == format!("{}Response", rpc.name());
            if !is_pascal(rpc.name()) || !named || !seen.insert(takes) || !seen.insert(gives) {
                broken.push(format!("{}.{}", service.name(), rpc.name()));
            }
        }
    }
    assert!(!seen.is_empty(), "no call was found");
    none(&broken, "SomethingService, and Call(CallRequest) returns (CallResponse) for one call only");
}

#[test]
fn everything_is_documented() {
    let mut broken = Vec::new();
    for file in all_files() {
        let comments = comments(&file);
        for (path, name) in elements(&file) {
            if !comments.get(&path).is_some_and(|comment| comment.len() > 8 && comment.ends_with(['.', ':']))
            {
                broken.push(format!("{}: {name}", file.name()));
            }
        }
    }
    none(
        &broken,
        "document it in full sentences: what it is, its unit and bounds, and what it means when unset",
    );
}

#[test]
fn the_comment_of_every_reason_starts_with_its_status() {
    let files = files();
    let file = files.iter().find(|file| file.name().ends_with("/reason.proto")).expect("reasons have a file");
    let comments = comments(file);
    let mut broken = Vec::new();
    for (path, name) in elements(file).into_iter().filter(|(path, _)| path.len() == 4 && path[3] > 0) {
        let status = comments[&path].split('.').next().unwrap_or_default();
        if !STATUSES.contains(&status) {
            broken.push(format!("{name}: {status}"));
        }
    }
    none(&broken, "begin the comment with the gRPC status and a full stop");
}
