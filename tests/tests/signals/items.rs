//! Structured lists: a number that is a parameter of an item.

/// The text of the number under `parameter` of the item `name`, or of the only one for an empty name.
pub(crate) fn parameter(list: &str, name: &str, parameter: &str) -> Option<String> {
    let items = Reader(list).items()?;
    let item = match name {
        "" => items.first().filter(|_| items.len() == 1)?,
        name => items.iter().find(|item| item.0 == name)?,
    };
    item.1.iter().rev().find(|(key, _)| key == parameter)?.1.clone()
}

/// A name, and parameters whose values are numbers or something else.
type Item = (String, Vec<(String, Option<String>)>);

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn items(mut self) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        if self.0.trim_matches([' ', '\t']).is_empty() {
            return Some(items);
        }
        loop {
            let name = if self.0.starts_with('"') { self.string()? } else { self.token()? };
            let mut parameters = Vec::new();
            while self.eat(";") {
                self.0 = self.0.trim_start_matches(' ');
                let key = self.key()?;
                let value = if self.eat("=") { self.value()? } else { None };
                parameters.push((key, value));
            }
            items.push((name, parameters));
            self.0 = self.0.trim_start_matches([' ', '\t']);
            if self.0.is_empty() {
                return Some(items);
            }
            self.eat(",").then_some(())?;
            self.0 = self.0.trim_start_matches([' ', '\t']);
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// The longest start whose characters are all allowed.
    fn take(&mut self, allowed: impl Fn(char) -> bool) -> String {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !allowed(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken.into()
    }

    fn token(&mut self) -> Option<String> {
        self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*').then_some(())?;
        Some(self.take(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c)))
    }

    fn key(&mut self) -> Option<String> {
        self.0.starts_with(|c: char| c.is_ascii_lowercase() || c == '*').then_some(())?;
        Some(self.take(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c)))
    }

    fn string(&mut self) -> Option<String> {
        self.eat("\"").then_some(())?;
        let mut text = String::new();
        loop {
            let c = self.0.chars().next()?;
            self.0 = &self.0[c.len_utf8()..];
            match c {
                '"' => return Some(text),
                '\\' => {
                    let escaped = self.0.chars().next().filter(|c| matches!(c, '"' | '\\'))?;
                    self.0 = &self.0[1..];
                    text.push(escaped);
                }
                ' '..='~' => text.push(c),
                _ => return None,
            }
        }
    }

    /// Some number, or none for a value of another kind; fails where it is no value.
    fn value(&mut self) -> Option<Option<String>> {
        match self.0.chars().next()? {
            '"' => self.string().map(|_| None),
            ':' => {
                self.eat(":");
                self.take(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
                self.eat(":").then_some(None)
            }
            '?' => (self.eat("?0") || self.eat("?1")).then_some(None),
            '-' | '0'..='9' => self.number().map(Some),
            _ => self.token().map(|_| None),
        }
    }

    fn number(&mut self) -> Option<String> {
        let mut text = if self.eat("-") { "-".to_owned() } else { String::new() };
        let whole = self.take(|c| c.is_ascii_digit());
        (1..=15).contains(&whole.len()).then_some(())?;
        text += &whole;
        if self.eat(".") {
            let fraction = self.take(|c| c.is_ascii_digit());
            (1..=3).contains(&fraction.len()).then_some(())?;
            text = text + "." + &fraction;
        }
        Some(text)
    }
}
