//! The descriptors of `apportion.v1`, flattened: every message and enum by its name inside the package.

use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

/// The package of this crate.
pub(crate) const PACKAGE: &str = "apportion.v1";
/// The package of the contract between nodes.
pub(crate) const PEER_PACKAGE: &str = "apportion.peer.v1";

/// The files of the package, in order of name.
pub(crate) fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(apportion_proto::FILE_DESCRIPTOR_SET).expect("the set is valid");
    let mut files: Vec<_> = set.file.into_iter().filter(|file| !file.name().starts_with("google/")).collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    assert!(files.len() > 5, "the files of the package were not found");
    files
}

/// Every message of a file, including nested ones, with its name in the package.
pub(crate) fn messages(file: &FileDescriptorProto) -> Vec<(String, DescriptorProto)> {
    let mut found = Vec::new();
    let mut left: Vec<_> =
        file.message_type.iter().map(|message| (message.name().to_owned(), message.clone())).collect();
    while let Some((name, message)) = left.pop() {
        left.extend(
            message.nested_type.iter().map(|inner| (format!("{name}.{}", inner.name()), inner.clone())),
        );
        found.push((name, message));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every enum of a file, including nested ones, with its name in the package.
pub(crate) fn enums(file: &FileDescriptorProto) -> Vec<(String, EnumDescriptorProto)> {
    let mut found: Vec<_> =
        file.enum_type.iter().map(|value| (value.name().to_owned(), value.clone())).collect();
    for (name, message) in messages(file) {
        found.extend(
            message.enum_type.iter().map(|inner| (format!("{name}.{}", inner.name()), inner.clone())),
        );
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The name of a type, without its package if that is one of the contract.
pub(crate) fn bare(name: &str) -> &str {
    let name = name.trim_start_matches('.');
    let within = |package| name.strip_prefix(package).and_then(|name: &str| name.strip_prefix('.'));
    within(PACKAGE).or_else(|| within(PEER_PACKAGE)).unwrap_or(name)
}

/// The oneof that a field belongs to, unless it is the implicit one of an optional field.
pub(crate) fn oneof<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> Option<&'a str> {
    if field.proto3_optional() {
        return None;
    }
    let index = usize::try_from(field.oneof_index?).expect("an index");
    Some(message.oneof_decl[index].name())
}
