//! One row of a table: a field's path, its kind, and how it is read, set and copied.

use super::fields::Fields;
use apportion_proto::v1;

/// A message that is administered, with a table of its fields.
pub trait Resource: Sized + 'static {
    /// The fields that people set, in the order in which they are listed.
    const FIELDS: &'static [Field<Self>];
}

/// A field that people set.
pub struct Field<M> {
    /// Its path in an update mask, in the audit and in a policy file.
    pub path: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What it means, in one sentence without a full stop.
    pub help: &'static str,
    pub(super) is_fixed: bool,
    pub(super) is_set: fn(&M) -> bool,
    pub(super) show: fn(&M, &mut Fields),
    pub(super) assign: fn(&mut M, &FieldValue) -> bool,
    pub(super) copy: fn(&mut M, &M),
    pub(super) copy_part: fn(&mut M, &M, &str) -> bool,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldKind {
    /// A whole number.
    Number,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// The name of a team in the same workspace.
    Team,
    /// A priority.
    Priority,
    /// Several values: each place that reads one has its own syntax.
    Compound,
}

/// A value for a field that is not compound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldValue {
    /// For [`FieldKind::Number`].
    Number(u32),
    /// For [`FieldKind::Boolean`].
    Boolean(bool),
    /// For [`FieldKind::Text`] and, as a full resource name, [`FieldKind::Team`].
    Text(String),
    /// For [`FieldKind::Priority`].
    Priority(v1::Priority),
}

impl<M> Field<M> {
    /// Whether a message has it set.
    pub fn is_set(&self, message: &M) -> bool {
        (self.is_set)(message)
    }

    /// Whether it is set at creation and never changed.
    pub fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Sets it. Returns false, and changes nothing, where the value is of another kind.
    pub fn assign(&self, message: &mut M, value: &FieldValue) -> bool {
        (self.assign)(message, value)
    }
}

/// The fields of a resource.
pub fn fields_of<M: Resource>(message: &M) -> Fields {
    let mut fields = Fields::new();
    for field in M::FIELDS {
        (field.show)(message, &mut fields);
    }
    fields
}

/// A row of a table: the field of the message, what it holds, and what it means.
macro_rules! field {
    ($field:ident, $kind:ident, $help:literal) => {
        Field {
            path: stringify!($field),
            kind: FieldKind::$kind,
            help: $help,
            is_fixed: false,
            is_set: |message| FieldType::is_set(&message.$field),
            show: |message, fields| FieldType::show(&message.$field, stringify!($field), fields),
            assign: |message, value| FieldType::assign(&mut message.$field, value),
            copy: |to, from| to.$field.clone_from(&from.$field),
            copy_part: |to, from, part| FieldType::copy_part(&mut to.$field, &from.$field, part),
        }
    };
}

pub(super) use field;
