//! Rules of this repository that no tool sees. CONTRIBUTING.md says why each stands.
//!
//! Each rule reads the sources as text and lists every place that breaks it, with what to do there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a file. Beyond it there are two concepts.
const LINES_MAX: usize = 500;

/// Words that say nothing about what a type is.
const EMPTY_WORDS: [&str; 9] =
    ["Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Handlers", "Info", "Data"];

/// Names that a trait demands, which the contract or a library has made.
const DEMANDED: [&str; 3] = ["Data", "get_workspace", "get_team"];

/// Number types, as a cast would name them.
const NUMBERS: [&str; 14] =
    ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"];

/// Casts that stay in the core: the file, how many, and why no `From` stands there.
const CASTS: [(&str, usize, &str); 2] = [
    ("server/core/src/permits.rs", 2, "a const fn cannot call From; the line tests the range"),
    ("server/core/src/policy.rs", 2, "a const fn cannot call From; both widen"),
];

/// What the core must not name: clocks, I/O, surroundings, threads, chance, floats, and crates of upper layers.
const OUTSIDE: [&str; 12] = [
    "f32",
    "f64",
    "rand",
    "tokio",
    "tonic",
    "tracing",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "std::time",
];

/// Uses of a room further down that stay: an observation names the lease that it came under.
const UPWARD: [(&str, &str); 1] = [("observation", "request")];

/// One Rust file of the repository.
struct Source {
    /// Its path from the root of the repository, with `/`.
    path: String,
    /// Its lines.
    lines: Vec<String>,
    /// The same lines with comments, strings and characters blanked out.
    code: Vec<String>,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let lines = |text: &str| text.lines().map(String::from).collect();
        Self { path: path.into(), lines: lines(text), code: lines(&code_of(text)) }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file that is written by hand, in order of path.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), "", &mut paths);
    paths.retain(|path| path.ends_with(".rs"));
    paths.sort();
    assert!(paths.len() > 10, "the sources were not found: only {paths:?}");
    paths.iter().map(|path| Source::new(path, &read(path))).collect()
}

fn core_sources() -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| source.path.starts_with("server/core/src/"));
    sources
}

/// The files below a directory, and the directories with a `/` behind; hidden ones and build output left out.
fn collect(directory: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the directory can be read") {
        let entry = entry.expect("its entries can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            paths.push(format!("{path}/"));
            collect(&entry.path(), &format!("{path}/"), paths);
        } else {
            paths.push(path);
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with every place and what to do there.
fn none(broken: &[String], what_to_do: &str) {
    assert!(broken.is_empty(), "{what_to_do}:\n  {}\n", broken.join("\n  "));
}

/// Every line of code on which `breaks` finds something, as file:line with what it found.
fn places(sources: &[Source], breaks: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        for (at, line) in source.code.iter().enumerate() {
            if let Some(found) = breaks(line) {
                places.push(format!("{}:{}: {found}", source.path, at + 1));
            }
        }
    }
    places
}

/// The text with every comment, string and character turned into blanks, line ends kept.
fn code_of(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let behind_a_word = at > 0 && is_word(text[at - 1]);
        match skipped(&text[at..], behind_a_word) {
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
fn skipped(rest: &[char], behind_a_word: bool) -> usize {
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
        return if behind_a_word { 0 } else { raw_string(rest) };
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
    let marks = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + marks) != Some(&'"') {
        return 0;
    }
    let ends = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take(marks).filter(|&&c| c == '#').count() == marks
    };
    (2 + marks..rest.len()).find(ends).map_or(rest.len(), |at| at + 1 + marks)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `name` stands in `line` as a whole word.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The name that follows one of `keywords` in the line, such as the type behind `struct`.
fn named_by<'a>(line: &'a str, keywords: &[&str]) -> Option<&'a str> {
    let words: Vec<&str> = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| keywords.contains(&pair[0])).map(|pair| pair[1])
}

/// The words of a name written LikeThis.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            _ => words.push(c.into()),
        }
    }
    words
}

fn casts_in(line: &str) -> usize {
    let words: Vec<&str> = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0] == "as" && NUMBERS.contains(&pair[1])).count()
}

#[test]
fn every_file_says_first_what_it_owns() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.lines.first().is_some_and(|line| line.starts_with("//! ")))
        .map(|source| format!("{}:1", source.path))
        .collect();
    none(&silent, "start the file with `//! ` and one sentence on what it owns");
}

#[test]
fn no_file_is_longer_than_one_concept() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.lines.len() > LINES_MAX)
        .map(|source| format!("{}:{}: {} lines", source.path, LINES_MAX + 1, source.lines.len()))
        .collect();
    none(&long, &format!("split the file: at most {LINES_MAX} lines"));
}

#[test]
fn a_type_is_named_after_what_it_is() {
    let empty = places(&sources(), |line| {
        let name = named_by(line, &["struct", "enum", "trait", "type", "union"])?;
        if DEMANDED.contains(&name) {
            return None;
        }
        let word = words_of(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str()))?;
        Some(format!("{name} says {word}"))
    });
    none(&empty, "name the type with a word of the domain (ARCHITECTURE.md, Words)");
}

#[test]
fn nothing_is_called_get_something() {
    let got = places(&sources(), |line| {
        let name = named_by(line, &["fn"]).filter(|name| !DEMANDED.contains(name))?;
        name.starts_with("get_").then(|| format!("fn {name}"))
    });
    none(&got, "name the function after what it returns: `budget()`, not `get_budget()`");
}

#[test]
fn a_test_is_named_as_a_fact() {
    let vague = places(&sources(), |line| {
        named_by(line, &["fn"]).filter(|name| name.starts_with("test_")).map(|name| format!("fn {name}"))
    });
    none(&vague, "name the test after the fact that it shows: `a_full_window_refuses`, not `test_window`");
}

#[test]
fn no_test_is_switched_off() {
    let off = places(&sources(), |line| line.contains("#[ignore").then(|| line.trim().into()));
    none(&off, "repair the test or delete it");
}

#[test]
fn nothing_sleeps() {
    let asleep = places(&sources(), |line| line.contains("thread::sleep").then(|| line.trim().into()));
    none(&asleep, "move virtual time, or wait for the event itself");
}

#[test]
fn the_core_casts_no_numbers() {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for source in core_sources() {
        for (at, line) in source.code.iter().enumerate() {
            found.entry(source.path.clone()).or_default().extend(vec![at + 1; casts_in(line)]);
        }
    }
    for (path, allowed, why) in CASTS {
        let casts = found.remove(path).unwrap_or_default().len();
        assert_eq!(
            casts, allowed,
            "{path}: casts found and allowed ({why}): set CASTS in tidy.rs to what is left"
        );
    }
    let casts: Vec<_> = found
        .iter()
        .flat_map(|(path, lines)| lines.iter().map(move |line| format!("{path}:{line}")))
        .collect();
    none(&casts, "use From, TryFrom or a checking constructor instead of `as`");
}

#[test]
fn the_core_knows_nothing_of_the_outside() {
    let outside = places(&core_sources(), |line| {
        OUTSIDE.iter().find(|name| names(line, name)).map(|name| format!("{name} in `{}`", line.trim()))
    });
    none(
        &outside,
        "take it as an argument, or return it as data: the core is a function of (state, now, input)",
    );
}

#[test]
fn every_room_of_the_core_stands_in_the_architecture() {
    let (architecture, mut rooms) = (read("ARCHITECTURE.md"), Vec::new());
    collect(&root().join("server/core/src"), "", &mut rooms);
    rooms.retain(|room| room.ends_with('/') || (!room.contains('/') && room != "lib.rs"));
    rooms.retain(|room| !room.ends_with("tests/") && room != "tests.rs");
    assert!(!rooms.is_empty(), "the core was not found");
    let unknown: Vec<_> = rooms
        .into_iter()
        .filter(|room| !architecture.contains(&format!("`{}`", room.trim_end_matches(".rs"))))
        .map(|room| format!("server/core/src/{room}:1"))
        .collect();
    none(&unknown, "say in ARCHITECTURE.md (The rooms of the core) what it owns");
}

#[test]
fn a_room_of_the_core_uses_only_rooms_above_it_in_lib_rs() {
    let sources = core_sources();
    let order: Vec<&str> = sources
        .iter()
        .filter(|source| source.path == "server/core/src/lib.rs")
        .flat_map(|source| source.code.iter().filter_map(|line| named_by(line, &["mod"])))
        .collect();
    assert!(order.len() > 5, "lib.rs lists no modules: {order:?}");
    let floor = |room: &str| order.iter().position(|&other| other == room);
    let mut upward = Vec::new();
    for source in &sources {
        let inside = source.path.trim_start_matches("server/core/src/");
        let room = inside.split(['/', '.']).next().unwrap_or_default();
        for (at, line) in source.code.iter().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c| !is_word(c)).next().unwrap_or_default();
                if floor(used) > floor(room) && floor(room).is_some() && !UPWARD.contains(&(room, used)) {
                    upward.push(format!("{}:{}: {room} uses {used}", source.path, at + 1));
                }
            }
        }
    }
    none(&upward, "move what both need to the lower room, or the room further down in lib.rs");
}

/// Where tests lie that `docs/security.md` names by less than their path.
const TESTS_OF_CLAIMS: [(&str, &str); 7] = [
    ("cli/", "server/cli/tests/cli/"),
    ("admin/", "server/tests/admin/"),
    ("src/cli/", "server/cli/src/"),
    ("src/", "server/src/"),
    ("core/src/", "server/core/src/"),
    ("core/", "server/core/tests/"),
    ("", "tests/tests/"),
];

#[test]
fn every_claim_of_security_names_a_test_that_there_is() {
    let text = read("docs/security.md");
    let named = text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::"));
    let mut claims: Vec<_> = named.filter(|(file, _)| *file != "file").collect();
    claims.dedup();
    assert!(claims.len() > 10, "the claims were not found: {claims:?}");
    let is_there = |(file, name): &(&str, &str)| {
        let place = TESTS_OF_CLAIMS.iter().find_map(|(short, long)| {
            file.strip_prefix(short).map(|rest| root().join(format!("{long}{rest}.rs")))
        });
        let source = place.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        source.contains(&format!("fn {name}("))
    };
    let unknown: Vec<_> = claims
        .iter()
        .filter(|claim| !is_there(claim))
        .map(|(file, name)| format!("docs/security.md: {file}::{name}"))
        .collect();
    none(&unknown, "name the test that shows the claim");
}

#[test]
fn what_commands_print_goes_through_the_terminal() {
    let mut sources = sources();
    let is_command =
        |path: &str| path.starts_with("server/cli/src/") || path.starts_with("server/simulate/src/");
    sources.retain(|source| is_command(&source.path) && !source.path.ends_with("terminal.rs"));
    let printed = places(&sources, |line| {
        let macros = ["println!", "print!", "eprintln!", "eprint!"];
        macros.iter().find(|name| line.contains(**name)).map(|name| (*name).to_owned())
    });
    none(&printed, "print with `terminal`: it escapes what others wrote, and outlives its reader");
}

#[test]
fn a_rule_is_read_in_code_and_not_in_words_about_it() {
    let text = "a // as u32\nb /* as /* f64 */ x */ c\nlet s = \"as u8 \\\" x\"; d\nr#\"tokio\"#; 'x'; '\\''; &'a e\n";
    let words: Vec<_> =
        code_of(text).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words, ["a", "b c", "let s = ; d", "; ; ; &'a e"]);
    assert_eq!((casts_in("x as u32 + y as usize"), casts_in("basu32 as Basis")), (2, 0));
    assert!(names("use rand::Rng", "rand") && !names("operand brand_new", "rand"));
    assert_eq!(words_of("TeamHelperData"), ["Team", "Helper", "Data"]);
}
