//! What is released: the packages hold what they should, and the same program gives the same bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use apportion_tests::process::program::program;
use serde_json::Value;
use tempfile::TempDir;

use crate::files::{root, target};

/// Runs a command, and returns what it prints. Fails if it fails.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// A release of the program that tests run, without its debug information, which would take long to pack.
struct Release {
    home: TempDir,
}

impl Release {
    fn pack() -> Self {
        let home = tempfile::tempdir_in(target()).expect("a directory");
        let stripped = home.path().join("apportion");
        run(Command::new("strip").arg("-o").arg(&stripped).arg(program()));
        let release = Self { home };
        release.pack_to("dist");
        release
    }

    fn pack_to(&self, name: &str) {
        let mut pack = Command::new(root().join("deploy/dist/pack"));
        let pack = pack.env("SOURCE_DATE_EPOCH", "1700000000").arg(self.home.path().join("apportion"));
        run(pack.arg(self.home.path().join(name)));
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.home.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The one file in `dist` whose name ends so.
    fn file(&self, end: &str) -> PathBuf {
        let dist = self.home.path().join("dist").read_dir().expect("a directory");
        let mut paths = dist.map(|entry| entry.expect("an entry").path());
        let found = paths.find(|path| path.to_string_lossy().ends_with(end));
        found.unwrap_or_else(|| panic!("no file that ends in {end}"))
    }

    /// A directory into which the package of Debian is unpacked.
    fn unpacked(&self) -> PathBuf {
        let to = self.home.path().join("unpacked");
        run(Command::new("dpkg-deb").arg("--raw-extract").arg(self.file(".deb")).arg(&to));
        to
    }
}

/// The files below a directory that the package puts into one of Debian, by name.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = directory.read_dir().unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_release_holds_the_program_its_unit_its_documents_and_checksums_and_is_the_same_each_time() {
    let release = Release::pack();
    release.pack_to("again");
    assert_eq!(release.read("dist/SHA256SUMS"), release.read("again/SHA256SUMS"), "packed twice");
    let dist = release.home.path().join("dist");
    run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(dist));
    package(&release);
    tar(&release);
    bill(&release);
}

fn package(release: &Release) {
    let unpacked = release.unpacked();
    let version = env!("CARGO_PKG_VERSION");
    let printed = run(Command::new(unpacked.join("usr/bin/apportion")).arg("--version"));
    assert_eq!(printed.trim(), format!("apportion {version}"));
    let control = release.read("unpacked/DEBIAN/control");
    assert!(control.contains(&format!("\nVersion: {version}\n")), "{control}");
    assert!(
        !control.contains('@') || control.matches('@').count() == 1,
        "something is not filled in: {control}"
    );
    let units: BTreeSet<_> = names(&root().join("deploy/systemd"));
    let services: BTreeSet<_> = units.into_iter().filter(|name| name.ends_with(".service")).collect();
    assert_eq!(names(&unpacked.join("usr/lib/systemd/system")), services);
    assert_eq!(
        names(&unpacked.join("usr/share/apportion/monitoring")),
        names(&root().join("deploy/monitoring"))
    );
    let documents = names(&unpacked.join("usr/share/doc/apportion"));
    let missing: Vec<_> = names(&root().join("docs")).difference(&documents).cloned().collect();
    assert!(missing.is_empty(), "documents that are not packed: {missing:?}");
    let copyright = release.read("unpacked/usr/share/doc/apportion/copyright");
    assert!(copyright.contains("Apache License") && copyright.contains("\ntokio 1."), "licences are missing");
    assert_eq!(release.read("unpacked/DEBIAN/conffiles"), "/etc/apportion/apportion.toml\n");
    let settings = unpacked.join("etc/apportion/apportion.toml");
    starts_with(&unpacked.join("usr/bin/apportion"), &settings, release.home.path());
    run(Command::new("md5sum").args(["--check", "--strict", "DEBIAN/md5sums"]).current_dir(&unpacked));
    for script in ["postinst", "prerm", "postrm"] {
        run(Command::new("sh").arg("-n").arg(unpacked.join("DEBIAN").join(script)));
    }
}

/// The settings that the package comes with are such that the server starts.
fn starts_with(program: &Path, settings: &Path, home: &Path) {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--config"])
        .arg(settings);
    let command = command.env_clear().env("APPORTION_DATA_DIR", home.join("data"));
    let child = apportion_tests::process::child::Child::start(command);
    assert!(child.line().contains("serving"), "the server does not start with the settings of the package");
}

fn tar(release: &Release) {
    let listed = run(Command::new("tar").arg("--list").arg("--file").arg(release.file(".tar.gz")));
    for end in [
        "/apportion",
        "/LICENSE",
        "/docs/runbook.md",
        "/systemd/apportion.service",
        "/monitoring/dashboard.json",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(end)), "{end} is not in the tar file: {listed}");
    }
}

/// The bill of materials names what the program is compiled from, nothing that only tests use, and each crate by its checksum.
fn bill(release: &Release) {
    let text = std::fs::read_to_string(release.file(".cdx.json")).expect("it is there");
    let bill: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let components = bill["components"].as_array().expect("a list");
    let names: BTreeSet<_> = components.iter().filter_map(|component| component["name"].as_str()).collect();
    assert!(names.contains("tokio") && names.contains("apportion-core") && !names.contains("rcgen"));
    for component in components {
        let name = component["name"].as_str().expect("a name");
        assert!(component["licenses"][0]["expression"].is_string(), "{name} has no licence");
        let checksum = component["hashes"][0]["content"].as_str();
        let is_ours = name.starts_with("apportion-");
        assert!(is_ours || checksum.is_some_and(|sum| sum.len() == 64), "{name} has no checksum");
    }
    let of = |list: &Value, field: &str| -> BTreeSet<String> {
        list.as_array()
            .expect("a list")
            .iter()
            .map(|item| item[field].as_str().expect("a name").into())
            .collect()
    };
    let mut referred = of(&bill["components"], "bom-ref");
    referred.insert(bill["metadata"]["component"]["bom-ref"].as_str().expect("a name").into());
    assert_eq!(of(&bill["dependencies"], "ref"), referred, "each component has its dependencies");
}
