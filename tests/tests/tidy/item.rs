//! Where items, statements and fields end, and which are compiled for tests only.

use crate::lexer::Lexeme;

/// The code without the items, statements and fields that are compiled for tests only.
pub(crate) fn without_tests(code: &[Lexeme]) -> Vec<Lexeme> {
    let mut kept = Vec::with_capacity(code.len());
    let mut at = 0;
    while at < code.len() {
        let end = if code[at].is("#") { closing(code, at + 1) } else { at };
        if end > at && is_for_tests(&code[at..=end]) {
            at = end_of_item(code, end + 1);
        } else {
            kept.push(code[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_for_tests(attribute: &[Lexeme]) -> bool {
    let has = |text: &str| attribute.iter().any(|lexeme| lexeme.is(text));
    has("cfg") && has("test") && !has("not") && !has("any")
}

/// Where the bracket that opens at `at` closes.
pub(crate) fn closing(code: &[Lexeme], at: usize) -> usize {
    let mut depth = 0_usize;
    for (end, lexeme) in code.iter().enumerate().skip(at) {
        match lexeme.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return end;
        }
    }
    code.len().saturating_sub(1)
}

/// The end of the item, statement or field that starts at `start`.
pub(crate) fn end_of_item(code: &[Lexeme], start: usize) -> usize {
    let keyword = code[start..].iter().find(|lexeme| lexeme.is_name() && !lexeme.is("pub"));
    let is_one_of = |names: &[&str]| keyword.is_some_and(|lexeme| names.contains(&lexeme.text.as_str()));
    let ends_with_semicolon = is_one_of(&["use", "const", "static", "type", "let"]);
    let is_item =
        ends_with_semicolon || is_one_of(&["fn", "mod", "struct", "enum", "trait", "impl", "async"]);
    let mut at = start;
    while at < code.len() {
        match code[at].text.as_str() {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" | ")" | "]" => return at,
            "{" if !ends_with_semicolon => return closing(code, at) + 1,
            "(" | "[" | "{" => at = closing(code, at) + 1,
            _ => at += 1,
        }
    }
    at
}
