//! What a case checks: two sums and how they compare, such as `provider.arrivals <= main.granted - main.returned`.
//!
//! A term is a whole number, a name, or `number * name`. A name is a group of results or a server, a dot and a count.

use std::fmt::{self, Display, Formatter};

use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    text: String,
    left: Vec<Term>,
    operator: Operator,
    right: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    factor: i64,
    /// What is multiplied; 1 if it is none.
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    AtMost,
    AtLeast,
    Below,
    Above,
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Comparison {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Comparison {
    /// Reads a comparison. All its parts are separated by spaces.
    ///
    /// # Errors
    /// Says what is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let place = words.iter().position(|word| operator(word).is_some());
        let place = place.ok_or_else(|| format!("no comparison in `{text}`"))?;
        let (left, right) = (&words[..place], &words[place + 1..]);
        let operator = operator(words[place]).ok_or("no comparison")?;
        Ok(Self { text: text.into(), left: sum(left)?, operator, right: sum(right)? })
    }

    /// Whether it holds. A value that is not told makes it hold.
    ///
    /// # Errors
    /// The values, if it does not hold; or the name that is not known.
    pub fn check(&self, value: &impl Fn(&str) -> Result<Option<i64>, String>) -> Result<(), String> {
        let (left, right) = (total(&self.left, value)?, total(&self.right, value)?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(()) };
        let holds = match self.operator {
            Operator::Equal => left == right,
            Operator::Unequal => left != right,
            Operator::AtMost => left <= right,
            Operator::AtLeast => left >= right,
            Operator::Below => left < right,
            Operator::Above => left > right,
        };
        if holds { Ok(()) } else { Err(format!("`{}` does not hold: {left} and {right}", self.text)) }
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word {
        "==" => Operator::Equal,
        "!=" => Operator::Unequal,
        "<=" => Operator::AtMost,
        ">=" => Operator::AtLeast,
        "<" => Operator::Below,
        ">" => Operator::Above,
        _ => return None,
    })
}

fn sum(words: &[&str]) -> Result<Vec<Term>, String> {
    let mut terms = Vec::new();
    let mut sign = 1;
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        let mut term = match word.parse::<i64>() {
            Ok(number) => Term { factor: number, name: None },
            Err(_) if word.contains('.') => Term { factor: 1, name: Some((*word).into()) },
            Err(_) => return Err(format!("`{word}` is neither a number nor a name with a dot")),
        };
        if rest.next_if(|next| **next == "*").is_some() {
            let name = rest.next().filter(|name| name.contains('.')).ok_or("a name is missing after *")?;
            term.name = Some((*name).into());
        }
        term.factor *= sign;
        terms.push(term);
        sign = match rest.next().copied() {
            None => return Ok(terms),
            Some("+") => 1,
            Some("-") => -1,
            Some(word) => return Err(format!("`{word}` is neither + nor -")),
        };
    }
    Err("a number or name is missing".into())
}

fn total(
    terms: &[Term],
    value: &impl Fn(&str) -> Result<Option<i64>, String>,
) -> Result<Option<i64>, String> {
    let mut total = 0_i64;
    for term in terms {
        let Some(value) = term.name.as_deref().map_or(Ok(Some(1)), value)? else { return Ok(None) };
        total = total.saturating_add(term.factor.saturating_mul(value));
    }
    Ok(Some(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let value = |name: &str| match name {
            "a.five" => Ok(Some(5)),
            "a.untold" => Ok(None),
            name => Err(format!("no {name}")),
        };
        Comparison::parse(text)?.check(&value)
    }

    #[test]
    fn sums_are_compared() {
        assert_eq!(check("a.five == 5"), Ok(()));
        assert_eq!(check("2 * a.five - 3 >= a.five + 2"), Ok(()));
        assert_eq!(check("a.five < 5"), Err("`a.five < 5` does not hold: 5 and 5".into()));
        assert_eq!(check("a.untold == 7"), Ok(()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for text in ["a.five", "a.five = 5", "five == 5", "a.five == ", "a.five == 5 5", "a.six == 6"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
