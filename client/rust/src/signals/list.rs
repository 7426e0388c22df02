//! Structured lists of RFC 9651, as far as rate limits use them: items with parameters, such as `"burst";r=50;t=30`.

/// Finds the number that is a parameter of an item of a list.
///
/// None if any part of the list is broken. Without the name of an item, the list must have exactly one.
pub(super) fn number<'a>(list: &'a str, item: &str, parameter: &str) -> Option<&'a str> {
    let mut cursor = Cursor(list);
    let (mut items, mut found) = (0, None);
    loop {
        let name = cursor.name()?;
        let value = cursor.parameters(parameter)?;
        items += 1;
        if found.is_none() && (item.is_empty() || name.is(item)) {
            found = Some(value);
        }
        cursor.skip(&[' ', '\t']);
        if cursor.0.is_empty() {
            break;
        }
        cursor.expect(",")?;
        cursor.skip(&[' ', '\t']);
    }
    found.filter(|_| !item.is_empty() || items == 1).flatten()
}

/// The name of an item: a token, or what stands between quotes.
enum Name<'a> {
    Token(&'a str),
    Quoted(&'a str),
}

impl Name<'_> {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Token(token) => *token == name,
            Self::Quoted(text) => {
                let mut chars = text.chars();
                let unescaped = std::iter::from_fn(|| {
                    chars.next().and_then(|c| if c == '\\' { chars.next() } else { Some(c) })
                });
                unescaped.eq(name.chars())
            }
        }
    }
}

/// The part of the list that is not read yet.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Reads all parameters of an item. The result is the one of this key, if it is a number; the last of them counts.
    fn parameters(&mut self, key: &str) -> Option<Option<&'a str>> {
        let mut found = None;
        while self.expect(";").is_some() {
            self.skip(&[' ']);
            let name = self.key()?;
            let value = if self.expect("=").is_some() { self.value()? } else { None };
            if name == key {
                found = value;
            }
        }
        Some(found)
    }

    /// Reads a value. None inside if it is no number.
    fn value(&mut self) -> Option<Option<&'a str>> {
        match self.0.chars().next()? {
            '-' | '0'..='9' => self.number().map(Some),
            ':' => self.bytes().map(|()| None),
            '?' => self.expect("?0").or_else(|| self.expect("?1")).map(|()| None),
            _ => self.name().map(|_| None),
        }
    }

    fn name(&mut self) -> Option<Name<'a>> {
        if self.0.starts_with('"') { self.quoted().map(Name::Quoted) } else { self.token().map(Name::Token) }
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix('"')?;
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &text[at + 1..];
                    return Some(&text[..at]);
                }
                '\\' => drop(chars.next().filter(|(_, c)| matches!(c, '"' | '\\'))?),
                ' '..='~' => {}
                _ => return None,
            }
        }
        None
    }

    fn token(&mut self) -> Option<&'a str> {
        let starts = self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*');
        starts.then(|| self.take(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c)))
    }

    fn key(&mut self) -> Option<&'a str> {
        let starts = self.0.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
        starts.then(|| self.take(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c)))
    }

    /// Up to 15 digits, perhaps after a minus, and perhaps a dot and up to 3 digits.
    fn number(&mut self) -> Option<&'a str> {
        let whole = self.0;
        self.skip_one('-');
        if !(1..=15).contains(&self.take(|c| c.is_ascii_digit()).len()) {
            return None;
        }
        if self.skip_one('.') && !(1..=3).contains(&self.take(|c| c.is_ascii_digit()).len()) {
            return None;
        }
        Some(&whole[..whole.len() - self.0.len()])
    }

    /// Base64 between colons.
    fn bytes(&mut self) -> Option<()> {
        self.expect(":")?;
        self.take(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
        self.expect(":")
    }

    /// The longest start of which every character is allowed.
    fn take(&mut self, is_allowed: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !is_allowed(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn skip(&mut self, spaces: &[char]) {
        self.0 = self.0.trim_start_matches(spaces);
    }

    fn skip_one(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}
