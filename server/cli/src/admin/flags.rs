//! A flag for each field of a resource, out of the table of its fields.

use super::assignments::Assignments;
use crate::argument::{id, priority};
use apportion_proto::v1;
use apportion_server::resource::{Field, FieldKind, FieldValue, Resource};
use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};

/// The fields that were given as flags. Compound fields have flags of their own.
pub(super) struct FieldFlags<M: Resource>(pub(super) Assignments<M>);

impl<M: Resource> clap::Args for FieldFlags<M> {
    fn augment_args(command: Command) -> Command {
        M::FIELDS.iter().filter_map(flag).fold(command, |command, flag| command.arg(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<M: Resource> clap::FromArgMatches for FieldFlags<M> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Assignments::default();
        for field in M::FIELDS {
            if let Some(value) = value(field, matches) {
                given.add(field, value);
            }
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a field, unless that is compound.
fn flag<M>(field: &Field<M>) -> Option<Arg> {
    let parser: ValueParser = match field.kind {
        FieldKind::Number => value_parser!(u32).into(),
        FieldKind::Boolean => ValueParser::bool(),
        FieldKind::Text => ValueParser::string(),
        FieldKind::Team => ValueParser::new(id),
        FieldKind::Priority => ValueParser::new(priority),
        FieldKind::Compound => return None,
    };
    let flag = Arg::new(field.path).long(field.path.replace('_', "-")).value_name(field.path.to_uppercase());
    Some(flag.value_parser(parser).help(field.help))
}

/// The value that a flag was given.
fn value<M>(field: &Field<M>, matches: &ArgMatches) -> Option<FieldValue> {
    let path = field.path;
    match field.kind {
        FieldKind::Number => matches.get_one(path).copied().map(FieldValue::Number),
        FieldKind::Boolean => matches.get_one(path).copied().map(FieldValue::Boolean),
        FieldKind::Text | FieldKind::Team => matches.get_one(path).cloned().map(FieldValue::Text),
        FieldKind::Priority => matches.get_one::<v1::Priority>(path).copied().map(FieldValue::Priority),
        FieldKind::Compound => None,
    }
}
