//! The peers: their versions, how they are built, and where they are. Nothing is installed outside of `target/peers`, and nothing
//! there is built twice.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

pub(crate) const THROTTLECRAB: &str = "throttlecrab-server 0.4.40";
pub(crate) const GUBERNATOR: &str = "gubernator 2.13.0";
const GUBERNATOR_MODULE: &str = "github.com/gubernator-io/gubernator/v2/cmd/gubernator";
/// Stands in for protoc, which the build of throttlecrab-server calls and few machines have.
const PROTOX: &str = "protox 0.10.0";

/// The program of throttlecrab-server.
///
/// # Errors
///
/// Why it cannot be built, and what to do.
pub(crate) fn throttlecrab() -> Result<PathBuf, String> {
    of_cargo(THROTTLECRAB, |cargo| {
        let protox = of_cargo(PROTOX, |cargo| {
            cargo.args(["--features", "bin"]);
            Ok(())
        })?;
        cargo.env("PROTOC", protox);
        Ok(())
    })
}

/// The program of gubernator.
///
/// # Errors
///
/// Why it cannot be built, and what to do.
pub(crate) fn gubernator() -> Result<PathBuf, String> {
    let (name, version) = split(GUBERNATOR);
    let directory = directory(GUBERNATOR);
    let program = directory.join(name);
    if !program.exists() {
        let mut go = Command::new("go");
        go.env("GOBIN", &directory).args(["install", &format!("{GUBERNATOR_MODULE}@v{version}")]);
        run(&mut go, GUBERNATOR, "install Go 1.21 or newer (https://go.dev/dl)")?;
    }
    Ok(program)
}

/// The program of a crate, built with what `more` adds to the command.
fn of_cargo(what: &str, more: impl FnOnce(&mut Command) -> Result<(), String>) -> Result<PathBuf, String> {
    let (name, version) = split(what);
    let directory = directory(what);
    let program = directory.join("bin").join(name);
    if !program.exists() {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--locked", "--root"]).arg(&directory).args([name, "--version", version]);
        more(&mut cargo)?;
        run(&mut cargo, what, "install Rust with rustup (https://rustup.rs)")?;
    }
    Ok(program)
}

fn run(command: &mut Command, what: &str, remedy: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    eprintln!("building {what}, once");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: `{program} install` failed, {status}: see above what it said")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("{what}: {program} is missing: {remedy}, then run make bench-peers again"))
        }
        Err(error) => Err(format!("{what}: {program} cannot be started: {error}")),
    }
}

/// A name and a version.
fn split(what: &str) -> (&str, &str) {
    what.split_once(' ').expect("a name and a version")
}

/// The directory of that version: beside that of this program.
fn directory(what: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let target = this.parent().and_then(|release| release.parent()).expect("target/release");
    target.join("peers").join(what.replace(' ', "-"))
}
