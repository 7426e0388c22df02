//! A TOML table whose keys are the fields of a resource. An unknown key is refused with its line.

use crate::admin::assignments::Assignments;
use crate::argument::priority;
use apportion_proto::v1;
use apportion_server::resource::{Field, FieldKind, FieldValue, Resource};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess};

/// A key of the table.
pub(super) enum Key<M: Resource> {
    /// One that the table has beside the fields.
    Other(&'static str),
    /// A field that is not compound.
    Field(&'static Field<M>),
}

/// Reads the next key: one of `others`, a field that is not compound, or the former name of a field.
pub(super) struct Keys {
    pub(super) others: &'static [&'static str],
    pub(super) former: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// The next key; none at the end of the table.
    pub(super) fn next<'de, M: Resource, A: MapAccess<'de>>(
        &self,
        map: &mut A,
    ) -> Result<Option<Key<M>>, A::Error> {
        map.next_key_seed(KeySeed { keys: self, fields: M::FIELDS })
    }
}

struct KeySeed<'a, M: Resource> {
    keys: &'a Keys,
    fields: &'static [Field<M>],
}

impl<'de, M: Resource> serde::de::DeserializeSeed<'de> for KeySeed<'_, M> {
    type Value = Key<M>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Key<M>, D::Error> {
        let given = String::deserialize(from)?;
        if let Some(other) = self.keys.others.iter().find(|other| **other == given) {
            return Ok(Key::Other(other));
        }
        let former = self.keys.former.iter().find(|(former, _)| *former == given);
        let path = former.map_or(&*given, |(_, path)| *path);
        let mut fields = self.fields.iter().filter(|field| field.kind != FieldKind::Compound);
        fields.clone().find(|field| field.path == path).map(Key::Field).ok_or_else(|| {
            let known = self.keys.others.iter().copied().chain(fields.by_ref().map(|field| field.path));
            let known: Vec<_> = known.map(|key| format!("`{key}`")).collect();
            D::Error::custom(format!("unknown field `{given}`, expected one of {}", known.join(", ")))
        })
    }
}

/// Reads the value of a field.
pub(super) fn add<'de, M: Resource, A: MapAccess<'de>>(
    assignments: &mut Assignments<M>,
    field: &'static Field<M>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = match field.kind {
        FieldKind::Number => FieldValue::Number(map.next_value()?),
        FieldKind::Boolean => FieldValue::Boolean(map.next_value()?),
        FieldKind::Text | FieldKind::Team | FieldKind::Compound => FieldValue::Text(map.next_value()?),
        FieldKind::Priority => FieldValue::Priority(map.next_value::<PriorityName>()?.0),
    };
    match assignments.add(field, value) {
        true => Ok(()),
        false => Err(A::Error::duplicate_field(field.path)),
    }
}

/// The name of a priority.
pub(super) struct PriorityName(pub(super) v1::Priority);

impl<'de> Deserialize<'de> for PriorityName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        priority(&String::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}
