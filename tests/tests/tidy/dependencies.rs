//! What the workspace depends on keeps to `deny.toml`: licences, where it comes from, and no crate twice without a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::licences::is_met;
use crate::source::{read, root};

/// What of `deny.toml` is checked here.
#[derive(Deserialize)]
struct Rules {
    licenses: AllowedLicences,
    bans: Bans,
}

#[derive(Deserialize)]
struct AllowedLicences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Skipped>,
}

#[derive(Deserialize)]
struct Skipped {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn rules() -> Rules {
    toml::from_str(&read("deny.toml")).expect("deny.toml is as cargo-deny reads it")
}

/// Every package that is compiled on this machine, tests included.
fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host()])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("as cargo writes it");
    assert!(metadata.packages.len() > 100, "the packages were not found");
    metadata.packages
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_string()
}

/// The crates of which there are several versions, each with its versions in order.
fn duplicates(packages: &[Package]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in packages {
        versions.entry(package.name.as_str()).or_default().insert(package.version.as_str());
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

/// Whether a version starts with these numbers.
fn is_of(version: &str, start: &str) -> bool {
    version.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let allowed = rules().licenses.allow;
    let stated = |package: &Package| package.license.clone().unwrap_or_default();
    let refused: Vec<_> = packages()
        .iter()
        .filter(|package| !is_met(&stated(package), &allowed))
        .map(|package| format!("{} {}: {}", package.name, package.version, stated(package)))
        .collect();
    assert!(refused.is_empty(), "use something else, or allow it in deny.toml: {refused:#?}");
}

#[test]
fn every_dependency_comes_from_crates_io_or_from_this_repository() {
    let packages = packages();
    let foreign: Vec<_> = packages
        .iter()
        .filter(|package| package.source.as_deref().is_some_and(|source| source != CRATES_IO))
        .map(|package| format!("{}: {:?}", package.name, package.source))
        .collect();
    assert!(foreign.is_empty(), "publish it to crates.io, or use something else: {foreign:#?}");
}

#[test]
fn a_crate_is_there_in_one_version_or_deny_toml_says_why_not() {
    let (packages, rules) = (packages(), rules());
    let mut duplicates = duplicates(&packages);
    for Skipped { name: skipped, reason } in &rules.bans.skip {
        assert!(!reason.is_empty(), "deny.toml gives no reason for {skipped}");
        let (name, version) = skipped.split_once('@').expect("a crate with its version");
        let found = duplicates.get_mut(name).and_then(|versions| {
            let skipped = versions.iter().find(|found| is_of(found, version)).copied()?;
            Some(versions.remove(skipped))
        });
        assert_eq!(found, Some(true), "{skipped} is no second version any more: remove it from deny.toml");
    }
    duplicates.retain(|_, versions| versions.len() > 1);
    assert!(duplicates.is_empty(), "bring in one version, or say in deny.toml why not: {duplicates:#?}");
}
