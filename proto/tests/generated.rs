//! The code for other languages in `client/` is of the current contract: its digests, and those of what it is made from, are the
//! ones that `make proto` wrote.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ACCEPT: &str = "run `make proto` and commit what it changes";

/// The files with generated code, and the directories that hold nothing else, from the root of the repository.
const GENERATED: [&str; 9] = [
    "client/go/apportionv1",
    "client/go/conformance/driverpb",
    "client/java/apportion-proto/src",
    "client/java/conformance/src/main/java/apportion",
    "client/node/conformance/driver_pb.ts",
    "client/node/src/gen",
    "client/python/conformance/driver_pb2.py",
    "client/python/conformance/driver_pb2.pyi",
    "client/python/src/apportion/v1",
];
/// The directories that it is made from. What nodes say to each other is for the server alone.
const SOURCES: [&str; 3] = ["proto/apportion/v1", "proto/generators", "tests/conformance/proto"];
/// The digests of both, written by `make proto`.
const SUMS: &str = "proto/generators/sums.txt";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file, or every file below a directory, by its path from the root. What Python leaves beside its modules is not a part of them.
fn below(directory: &str, found: &mut BTreeSet<String>) {
    if root().join(directory).is_file() {
        found.insert(directory.into());
        return;
    }
    for entry in fs::read_dir(root().join(directory)).expect("the directory can be read") {
        let entry = entry.expect("its entries can be read");
        let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
        match entry.file_type().expect("its type can be read").is_dir() {
            true if path.ends_with("/__pycache__") => {}
            true => below(&path, found),
            false => drop(found.insert(path)),
        }
    }
}

fn digest(path: &str) -> String {
    let text = fs::read(root().join(path)).expect("the file can be read");
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn committed_code_is_of_the_current_contract() {
    let sums = fs::read_to_string(root().join(SUMS)).expect("the digests can be read");
    let recorded: BTreeMap<_, _> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, path)| (path, sum)).collect();
    let mut present = BTreeSet::new();
    for directory in SOURCES.into_iter().chain(GENERATED) {
        below(directory, &mut present);
    }
    present.remove(SUMS);
    let missing = recorded.keys().filter(|path| !present.contains(**path));
    let mut stale: Vec<_> = missing.map(|path| format!("{path} is missing")).collect();
    for path in &present {
        match recorded.get(path.as_str()) {
            None => stale.push(format!("{path} was not there")),
            Some(sum) if *sum != digest(path) => stale.push(format!("{path} has changed")),
            Some(_) => {}
        }
    }
    assert!(recorded.len() > 100, "{SUMS} lists only {} files", recorded.len());
    assert!(stale.is_empty(), "{ACCEPT}:\n  {}\n", stale.join("\n  "));
}
