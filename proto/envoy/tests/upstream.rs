//! The trimmed files have the names, numbers and types of Envoy's own, of which `upstream.txt` has every line. That text was made from
//! the files that the crate envoy-types 0.7.7 carries.

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use std::collections::BTreeSet;

/// Envoy's own, one line for each message, field, value and call.
const UPSTREAM: &str = include_str!("upstream.txt");

fn lines() -> Vec<String> {
    let set = FileDescriptorSet::decode(apportion_envoy::FILE_DESCRIPTOR_SET).expect("descriptors");
    let mut lines = Vec::new();
    for file in set.file.iter().filter(|file| file.package().starts_with("envoy.")) {
        let package = file.package();
        file.message_type.iter().for_each(|message| add_message(package, message, &mut lines));
        file.enum_type.iter().for_each(|values| add_enum(package, values, &mut lines));
        for service in &file.service {
            for call in &service.method {
                let stream = |is: bool| if is { "stream " } else { "" };
                let (sent, got) = (stream(call.client_streaming()), stream(call.server_streaming()));
                let name = format!("{package}.{}/{}", service.name(), call.name());
                lines.push(format!("{name} ({sent}{}) ({got}{})", call.input_type(), call.output_type()));
            }
        }
    }
    lines
}

fn add_message(inside: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    let name = format!("{inside}.{}", message.name());
    for field in &message.field {
        let kind = match field.r#type() {
            Type::Message | Type::Enum => field.type_name().to_owned(),
            scalar => scalar.as_str_name().to_owned(),
        };
        let label = if field.label() == Label::Repeated { "repeated " } else { "" };
        lines.push(format!("{name} {} {label}{kind} {}", field.number(), field.name()));
    }
    message.nested_type.iter().for_each(|nested| add_message(&name, nested, lines));
    message.enum_type.iter().for_each(|values| add_enum(&name, values, lines));
}

fn add_enum(inside: &str, values: &EnumDescriptorProto, lines: &mut Vec<String>) {
    let line = |number: i32, value: &str| format!("{inside}.{} {number} {value}", values.name());
    lines.extend(values.value.iter().map(|value| line(value.number(), value.name())));
}

#[test]
fn every_field_and_call_is_one_of_envoys() {
    let upstream: BTreeSet<&str> = UPSTREAM.lines().collect();
    let lines = lines();
    assert!(lines.len() > 30, "only {} lines", lines.len());
    let strange: Vec<_> = lines.iter().filter(|line| !upstream.contains(line.as_str())).collect();
    assert!(strange.is_empty(), "not in upstream.txt: {strange:#?}");
}
