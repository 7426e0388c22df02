//! Signals as they stand in a policy file, in a preset and in shown resources. The keys are the fields of the contract; a key that
//! is unknown is refused with its line.

use apportion_proto::v1;
use apportion_proto::v1::body_match::Text;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The signals of a workspace.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub struct SignalsTable {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<LimitSignalTable>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    throttles: Vec<ThrottleTable>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retry_after: Vec<TimeTable>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uncounted: Vec<ResponseTable>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct LimitSignalTable {
    #[serde(skip_serializing_if = "String::is_empty")]
    limit: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_permits: Option<CountTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_permits: Option<CountTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<TimeTable>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct CountTable {
    header: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parameter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    item: String,
    #[serde(skip_serializing_if = "Choice::is_absent")]
    form: Choice<v1::CountForm>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct TimeTable {
    header: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parameter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    item: String,
    #[serde(skip_serializing_if = "Choice::is_absent")]
    form: Choice<v1::TimeForm>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "show_span",
        deserialize_with = "read_span"
    )]
    precision: Option<prost_types::Duration>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct ThrottleTable {
    response: ResponseTable,
    #[serde(skip_serializing_if = "Choice::is_absent")]
    effect: Choice<v1::ThrottleEffect>,
    #[serde(skip_serializing_if = "String::is_empty")]
    limit: String,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "show_span",
        deserialize_with = "read_span"
    )]
    default_retry_after: Option<prost_types::Duration>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct ResponseTable {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderTable>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    body: Vec<BodyTable>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
struct HeaderTable {
    header: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

/// A condition on the body. A table with both texts, or with none, is not one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "a table with `path`, and either `equals` or `contains`")]
enum BodyTable {
    Equals(EqualsTable),
    Contains(ContainsTable),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EqualsTable {
    path: String,
    equals: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainsTable {
    path: String,
    contains: String,
}

/// An enumerated value, written without the prefix of its enum.
trait Choosable: Copy + Default + PartialEq + TryFrom<i32> + Into<i32> {
    const PREFIX: &'static str;

    fn of_name(name: &str) -> Option<Self>;
    fn name(self) -> &'static str;
}

macro_rules! choosable {
    ($($name:ident $prefix:literal),+) => {
        $(impl Choosable for v1::$name {
            const PREFIX: &'static str = $prefix;

            fn of_name(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }

            fn name(self) -> &'static str {
                self.as_str_name()
            }
        })+
    };
}

choosable!(CountForm "COUNT_FORM_", TimeForm "TIME_FORM_", ThrottleEffect "THROTTLE_EFFECT_");

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Choice<E>(E);

impl<E: Choosable> Choice<E> {
    fn is_absent(&self) -> bool {
        *self == Self(E::default())
    }
}

impl<E: Choosable> Serialize for Choice<E> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name().trim_start_matches(E::PREFIX))
    }
}

impl<'de, E: Choosable> Deserialize<'de> for Choice<E> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let given = String::deserialize(from)?;
        let known: Vec<_> = (1_i32..).map_while(|number| E::try_from(number).ok()).collect();
        let named = E::of_name(&format!("{}{}", E::PREFIX, given.to_uppercase()));
        named.filter(|value| known.contains(value)).map(Self).ok_or_else(|| {
            let names: Vec<_> =
                known.iter().map(|value| value.name().trim_start_matches(E::PREFIX)).collect();
            D::Error::custom(format!("{given:?} is not known, expected one of {}", names.join(", ")))
        })
    }
}

fn show_span<S: Serializer>(span: &Option<prost_types::Duration>, to: S) -> Result<S::Ok, S::Error> {
    span.as_ref().map(ToString::to_string).serialize(to)
}

fn read_span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<prost_types::Duration>, D::Error> {
    let text = String::deserialize(from)?;
    let refused = |_| D::Error::custom(format!("{text:?} is not a duration, such as \"0.5s\""));
    text.parse().map(Some).map_err(refused)
}

fn wires<T, W: for<'a> From<&'a T>>(tables: &[T]) -> Vec<W> {
    tables.iter().map(W::from).collect()
}

impl From<&SignalsTable> for v1::Signals {
    fn from(table: &SignalsTable) -> Self {
        Self {
            limits: wires(&table.limits),
            throttles: wires(&table.throttles),
            retry_after: wires(&table.retry_after),
            uncounted: wires(&table.uncounted),
        }
    }
}

impl From<&v1::Signals> for SignalsTable {
    fn from(wire: &v1::Signals) -> Self {
        Self {
            limits: wires(&wire.limits),
            throttles: wires(&wire.throttles),
            retry_after: wires(&wire.retry_after),
            uncounted: wires(&wire.uncounted),
        }
    }
}

/// Both ways between a table and its message, field by field.
macro_rules! same_fields {
    ($($table:ident = $wire:ident { $($field:ident: $kind:ident),+ })+) => {
        $(
            impl From<&$table> for v1::$wire {
                fn from(from: &$table) -> Self {
                    Self { $($field: same_fields!(@wire $kind from.$field)),+ }
                }
            }

            impl From<&v1::$wire> for $table {
                fn from(from: &v1::$wire) -> Self {
                    Self { $($field: same_fields!(@table $kind from.$field)),+ }
                }
            }
        )+
    };
    (@wire plain $from:ident.$field:ident) => { $from.$field.clone() };
    (@wire list $from:ident.$field:ident) => { wires(&$from.$field) };
    (@wire optional $from:ident.$field:ident) => { $from.$field.as_ref().map(Into::into) };
    (@wire required $from:ident.$field:ident) => { Some((&$from.$field).into()) };
    (@wire choice $from:ident.$field:ident) => { $from.$field.0.into() };
    (@table plain $from:ident.$field:ident) => { $from.$field.clone() };
    (@table list $from:ident.$field:ident) => { wires(&$from.$field) };
    (@table optional $from:ident.$field:ident) => { $from.$field.as_ref().map(Into::into) };
    (@table required $from:ident.$field:ident) => { $from.$field.as_ref().map(Into::into).unwrap_or_default() };
    (@table choice $from:ident.$field:ident) => { Choice($from.$field.try_into().unwrap_or_default()) };
}

same_fields! {
    LimitSignalTable = LimitSignal {
        limit: plain, headers: list, limit_permits: optional, remaining_permits: optional, reset: optional
    }
    CountTable = CountSource { header: plain, parameter: plain, item: plain, form: choice }
    TimeTable = TimeSource { header: plain, parameter: plain, item: plain, form: choice, precision: plain }
    ThrottleTable = ThrottleSignal { response: required, effect: choice, limit: plain, default_retry_after: plain }
    ResponseTable = ResponseMatch { statuses: plain, headers: list, body: list }
    HeaderTable = HeaderMatch { header: plain, values: plain }
}

impl From<&BodyTable> for v1::BodyMatch {
    fn from(table: &BodyTable) -> Self {
        let (path, text) = match table {
            BodyTable::Equals(table) => (&table.path, Text::Equals(table.equals.clone())),
            BodyTable::Contains(table) => (&table.path, Text::Contains(table.contains.clone())),
        };
        Self { path: path.clone(), text: Some(text) }
    }
}

impl From<&v1::BodyMatch> for BodyTable {
    fn from(wire: &v1::BodyMatch) -> Self {
        let path = wire.path.clone();
        match wire.text.clone() {
            Some(Text::Contains(contains)) => Self::Contains(ContainsTable { path, contains }),
            Some(Text::Equals(equals)) => Self::Equals(EqualsTable { path, equals }),
            None => Self::Equals(EqualsTable { path, equals: String::new() }),
        }
    }
}
