//! Licence expressions, as `Cargo.toml` states them: whether one is met by licences that are allowed.

/// Whether the licences in `allowed` meet the expression: one side of each OR, both sides of each AND. `/` is an old way to write OR.
pub(crate) fn is_met(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    met && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    match words.next() {
        Some("(") => {
            let met = any(words, allowed);
            met && words.next() == Some(")")
        }
        Some(licence) => {
            // An exception takes nothing away, but its name has to be allowed as well.
            let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
            let name =
                exception.map_or(licence.to_string(), |exception| format!("{licence} WITH {exception}"));
            allowed.contains(&name)
        }
        None => false,
    }
}

#[test]
fn an_expression_is_met_by_one_side_of_or_and_by_both_sides_of_and() {
    let allowed = ["MIT", "ISC"].map(String::from);
    for met in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(GPL-3.0 OR ISC) AND MIT", "GPL-3.0 AND A OR ISC"]
    {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT WITH an-exception", "(GPL-3.0 OR ISC) AND A", "MIT MIT"]
    {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}
