//! Output to the terminal: escapes characters that could control it, and survives a closed pipe.
//!
//! Names, notes and messages are untrusted. Everything that commands print goes through here.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Characters that are invisible or change how their surroundings look: formats, fillers and separators. The first and last of each
/// range; control characters are not among them.
const HIDDEN: [(char, char); 29] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{f0000}', '\u{ffffd}'),
    ('\u{100000}', '\u{10fffd}'),
    ('\u{fffe}', '\u{ffff}'),
];

/// Why standard output could not be written, unless its reader closed the pipe.
static FAILED: OnceLock<String> = OnceLock::new();

/// The text with every invisible or control character escaped as in JSON, line ends included.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if stays(c) || !is_hidden(c) => printable.push(c),
            '\n' => printable.push_str("\\n"),
            '\r' => printable.push_str("\\r"),
            '\t' => printable.push_str("\\t"),
            _ => {
                let units = c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect::<String>();
                printable.push_str(&units);
            }
        }
    }
    printable
}

fn is_hidden(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Prints one line.
pub(crate) fn line(text: &str) {
    say(&printable(text));
}

/// Prints lines with their cells aligned. A cell never spans lines.
pub(crate) fn table(lines: &[Vec<String>]) {
    let printable = |line: &Vec<String>| line.iter().map(|cell| printable(cell)).collect::<Vec<_>>();
    let lines: Vec<_> = lines.iter().map(printable).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    for cells in &lines {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Prints a value in JSON, on one line.
pub(crate) fn json(value: &serde_json::Value) {
    line(&value.to_string());
}

/// Prints text of several lines.
pub(crate) fn block(text: &str) {
    say(&escaped(text, |c| c == '\n'));
}

fn say(text: &str) {
    let mut out = Output::default();
    // An error is kept and reported at the end.
    let _ = out.write_all(format!("{text}\n").as_bytes());
    let _ = out.flush();
}

/// Prints an error or a warning to standard error.
pub(crate) fn error(text: &str) {
    // There is nowhere else to report to.
    let _ = writeln!(io::stderr(), "apportion: {}", escaped(text, |c| c == '\n'));
}

/// Why output was lost, if it was.
pub(crate) fn failure() -> Option<String> {
    FAILED.get().map(|why| format!("standard output cannot be written: {why}"))
}

/// Standard output, escaped line by line. Where its reader closed the pipe, as `head` does, the rest is dropped.
#[derive(Default)]
pub(crate) struct Output {
    line: Vec<u8>,
}

impl Output {
    fn put(&self, bytes: &[u8]) {
        let text = escaped(&String::from_utf8_lossy(bytes), |c| c == '\n');
        match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = FAILED.set(error.to_string());
            }
            _ => {}
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|&byte| byte == b'\n') {
            let rest = self.line.split_off(end + 1);
            self.put(&self.line);
            self.line = rest;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.line);
        if !rest.is_empty() {
            self.put(&rest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_as_itself_is_escaped_and_everything_else_stays() {
        for (text, shown) in [
            ("plain, ünï, 漢字, ≤ …", "plain, ünï, 漢字, ≤ …"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{1b}[31mred\u{7}", "\\u001b[31mred\\u0007"),
            ("\u{9b}31m\u{7f}", "\\u009b31m\\u007f"),
            ("\u{202e}nimda\u{2066}\u{2028}", "\\u202enimda\\u2066\\u2028"),
            ("in\u{200b}visible\u{feff}", "in\\u200bvisible\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn json_stays_json_of_the_same_value() {
        let value = serde_json::json!({ "note": "a\u{202e}b\u{7f}\u{e0041}\n" });
        let shown = printable(&value.to_string());
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}
