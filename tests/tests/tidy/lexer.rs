//! Rust text without its comments and strings, and as tokens. Knows no rule.

/// One word or one mark of code, and the line on which it stands, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lexeme {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Lexeme {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether this is a word rather than a mark.
    pub(crate) fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The words and marks of `code`, which has no comments and strings any more. `::` is one mark.
pub(crate) fn lexemes(code: &[String]) -> Vec<Lexeme> {
    let mut lexemes = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            lexemes.push(Lexeme { text: rest[..length].into(), line: at + 1 });
            rest = rest[length..].trim_start();
        }
    }
    lexemes
}

/// The text with every comment, string and character turned into blanks, line ends kept.
pub(crate) fn code_of(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let follows_word = at > 0 && is_word(text[at - 1]);
        match skipped(&text[at..], follows_word) {
            0 => {
                code.push(text[at]);
                at += 1;
            }
            length => {
                let end = (at + length).min(text.len());
                code.extend(text[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
        }
    }
    code
}

/// The length of the comment, string or character that starts here; 0 where none does.
fn skipped(rest: &[char], follows_word: bool) -> usize {
    let starts = |with: &str| with.chars().enumerate().all(|(at, c)| rest.get(at) == Some(&c));
    if starts("//") {
        return rest.iter().position(|&c| c == '\n').unwrap_or(rest.len());
    }
    if starts("/*") {
        return block_comment(rest);
    }
    if starts("\"") {
        return quoted(rest, '"');
    }
    if starts("r\"") || starts("r#") {
        return if follows_word { 0 } else { raw_string(rest) };
    }
    if starts("'\\") || (starts("'") && rest.get(2) == Some(&'\'')) {
        return quoted(rest, '\'');
    }
    0
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of `r"…"` or `r#"…"#`; 0 for a raw name such as `r#type`.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let ends = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
    };
    (2 + hashes..rest.len()).find(ends).map_or(rest.len(), |at| at + 1 + hashes)
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words of a line, in order.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect()
}

/// Whether `name` stands in `line` as a whole word.
pub(crate) fn has_word(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The name that follows one of `keywords` in the line, such as the type after `struct`.
pub(crate) fn declared<'a>(line: &'a str, keywords: &[&str]) -> Option<&'a str> {
    words(line).windows(2).find(|pair| keywords.contains(&pair[0])).map(|pair| pair[1])
}

#[test]
fn comments_strings_and_characters_are_not_code() {
    let text = "a // as u32\nb /* as /* f64 */ x */ c\nlet s = \"as u8 \\\" x\"; d\nr#\"tokio\"#; 'x'; '\\''; &'a e\n";
    let code = code_of(text);
    let lines: Vec<_> =
        code.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines, ["a", "b c", "let s = ; d", "; ; ; &'a e"]);
    assert!(has_word("use rand::Rng", "rand") && !has_word("operand brand_new", "rand"));
}

#[test]
fn a_path_is_words_and_double_colons() {
    let lexemes = lexemes(&["use a::b_1;".into(), "x: y".into()]);
    let texts: Vec<_> = lexemes.iter().map(|lexeme| (lexeme.text.as_str(), lexeme.line)).collect();
    let expected = [("use", 1), ("a", 1), ("::", 1), ("b_1", 1), (";", 1), ("x", 2), (":", 2), ("y", 2)];
    assert_eq!(texts, expected);
}
