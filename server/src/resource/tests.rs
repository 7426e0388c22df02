//! The tables hold every field of the contract, and each field is what its row says.

use super::*;
use apportion_proto::v1;
use prost::Message;
use prost_types::FileDescriptorSet;
use std::collections::BTreeSet;

/// What every resource has and nobody sets through a table.
const NOT_IN_TABLES: [&str; 4] = ["name", "etag", "create_time", "update_time"];

fn fields_of_the_contract(message: &str) -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(apportion_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let messages = set.file.iter().flat_map(|file| &file.message_type);
    let found = messages.into_iter().find(|found| found.name() == message).expect("a message");
    found.field.iter().map(|field| field.name().to_owned()).collect()
}

fn check<M: Resource + Default + Clone + PartialEq + std::fmt::Debug>(message: &str) {
    let mut expected = fields_of_the_contract(message);
    expected.retain(|field| !NOT_IN_TABLES.contains(&&**field));
    let rows: BTreeSet<_> = M::FIELDS.iter().map(|field| field.path.to_owned()).collect();
    assert_eq!(rows, expected);
    for field in M::FIELDS {
        let value = match field.kind {
            FieldKind::Number => FieldValue::Number(7),
            FieldKind::Boolean => FieldValue::Boolean(true),
            FieldKind::Text | FieldKind::Team => FieldValue::Text("x".into()),
            FieldKind::Priority => FieldValue::Priority(v1::Priority::Critical),
            FieldKind::Compound => continue,
        };
        let mut changed = M::default();
        assert!(field.assign(&mut changed, &value), "{}", field.path);
        assert!(field.is_set(&changed) && !field.is_set(&M::default()), "{}", field.path);
        assert_eq!(differences(&fields_of(&M::default()), &fields_of(&changed))[0].path, field.path);
    }
}

#[test]
fn every_field_of_a_team_has_a_row() {
    check::<v1::Team>("Team");
}

#[test]
fn every_field_of_a_domain_has_a_row() {
    check::<v1::Domain>("Domain");
}

#[test]
fn every_field_of_a_workspace_has_a_row() {
    check::<v1::Workspace>("Workspace");
}
