//! The comments of the `.proto` files are the public reference: every paragraph is filled to the width, and ends as a sentence does.
//!
//! A paragraph is filled when each line holds as many words as fit. An item of a list starts with `- ` and is indented by two
//! columns from its second line on.

use std::fs;
use std::path::Path;

/// The width of a line, indentation and `//` included.
const WIDTH: usize = 100;

/// One paragraph or list item of a comment.
#[derive(PartialEq, Eq, Debug)]
struct Paragraph {
    /// The line on which it starts, from 1.
    line: usize,
    /// What stands before the words: the indentation, `// ` and, for an item, `- `.
    prefix: String,
    /// Its lines as written.
    lines: Vec<String>,
}

impl Paragraph {
    /// What stands before the words from the second line on.
    fn continuation(&self) -> String {
        self.prefix.replace("- ", "  ")
    }

    fn words(&self) -> Vec<&str> {
        let rest = self.continuation();
        let mut words = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let prefix = if at == 0 { &self.prefix } else { &rest };
            words.extend(line.strip_prefix(prefix.as_str()).unwrap_or(line).split_whitespace());
        }
        words
    }

    /// The same words with as many in each line as fit.
    fn filled(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = self.prefix.clone();
        let mut is_empty = true;
        for word in self.words() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut line, self.continuation()));
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        lines.push(line);
        lines
    }

    /// What is wrong with it, if anything is.
    fn fault(&self) -> Option<&'static str> {
        let last = self.lines.last().map_or("", |line| line.as_str());
        if self.lines.iter().any(|line| line.chars().count() > WIDTH) {
            return Some("a line is too long");
        }
        if self.filled() != self.lines {
            return Some("not filled: each line holds as many words as fit");
        }
        if self.lines.len() > 1 && last.trim_start_matches([' ', '/']).split_whitespace().count() < 2 {
            return Some("the last line is a single word: reword the paragraph");
        }
        if !last.ends_with(['.', ':']) {
            return Some("does not end with a full stop, or a colon before a list");
        }
        None
    }
}

/// The paragraphs of all comments of a file, in order.
fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    let mut is_open = false;
    for (at, line) in text.lines().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let Some(comment) = line.trim_start().strip_prefix("//").filter(|comment| !comment.is_empty()) else {
            is_open = false;
            continue;
        };
        let is_item = comment.starts_with(" - ");
        match found.last_mut().filter(|_| is_open && !is_item) {
            Some(paragraph) => paragraph.lines.push(line.to_owned()),
            None => found.push(Paragraph {
                line: at + 1,
                prefix: format!("{indent}//{}", if is_item { " - " } else { " " }),
                lines: vec![line.to_owned()],
            }),
        }
        is_open = true;
    }
    found
}

#[test]
fn every_comment_is_filled_and_written_in_sentences() {
    let mut broken = Vec::new();
    let mut checked = 0;
    let directories = ["apportion/v1", "apportion/peer/v1"];
    let directories = directories.map(|directory| Path::new(env!("CARGO_MANIFEST_DIR")).join(directory));
    for entry in directories.iter().flat_map(|it| fs::read_dir(it).expect("the directory can be read")) {
        let path = entry.expect("its entries can be read").path();
        let text = fs::read_to_string(&path).expect("the file can be read");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for paragraph in paragraphs(&text) {
            checked += 1;
            if let Some(fault) = paragraph.fault() {
                broken.push(format!(
                    "{name}:{}: {fault}; filled it reads\n{}",
                    paragraph.line,
                    paragraph.filled().join("\n")
                ));
            }
        }
    }
    broken.sort();
    assert!(checked > 300, "the comments were not found: only {checked}");
    assert!(broken.is_empty(), "fill these comments at {WIDTH} columns:\n{}\n", broken.join("\n"));
}

#[test]
fn a_comment_with_an_orphaned_word_a_short_line_or_no_full_stop_is_found() {
    let fault = |text: &str| paragraphs(text).iter().find_map(Paragraph::fault);
    let words = |count: usize| vec!["word"; count].join(" ");
    assert_eq!(fault("// One sentence.\n//\n// Another one:\n// - An item.\n// - An item.\n"), None);
    assert_eq!(fault(&format!("// - {}\n//   goes on here.\n", words(19))), None);
    let is_found = |text: &str, what: &str| {
        assert!(fault(text).is_some_and(|fault| fault.contains(what)), "{text}: {:?}", fault(text));
    };
    is_found(&format!("// {}\n// and so on.\n", words(18)), "not filled");
    is_found("// A sentence that\n// goes on.\n", "not filled");
    is_found(&format!("  // {}\n  // once.\n", words(19)), "single word");
    is_found("// No sentence\n", "full stop");
    is_found(&format!("// {}.\n", "x".repeat(WIDTH)), "too long");
}
