//! Every scenario of the project holds, played by the program itself.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn every_scenario_holds() {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios"));
    let entries = std::fs::read_dir(&directory).expect("the directory of scenarios");
    let paths = entries.map(|entry| entry.expect("an entry of the directory").path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    assert!(files.len() > 50, "only {} scenarios in {}", files.len(), directory.display());
    let output = Command::new(env!("CARGO_BIN_EXE_apportion"))
        .args(["simulate", "--check"])
        .args(&files)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.split_whitespace().next().and_then(|passed| passed.parse::<usize>().ok());
    assert!(passed.is_some_and(|passed| passed > files.len()), "too little was checked: {said}");
}
