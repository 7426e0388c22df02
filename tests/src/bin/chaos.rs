//! Does to a cluster of real processes whatever breaks clusters, and fails if more is granted than a limit allows or a target is missed.

use std::process::ExitCode;

use apportion_tests::chaos::{Form, node, run, table};

const USAGE: &str = "\
usage: chaos [--short] [WORD...]

Plays the scenarios whose names contain one of the words, or all of them, and prints a table. Needs the right to make network
namespaces, `ip`, and Go, which builds etcd and a client. Exits with 1 if a target is missed.";

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "node") {
        return match node::serve(arguments.skip(1)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let (flags, words): (Vec<_>, Vec<_>) = arguments.partition(|argument| argument.starts_with('-'));
    let form = match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Form::Whole,
        ["--short"] => Form::Short,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let rows = run(form, &words).await;
    table::print(&rows);
    let is_missed = rows.is_empty() || rows.iter().any(|row| !row.missed.is_empty());
    if is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
