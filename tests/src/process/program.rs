//! The program `apportion` as it was built, and its command line.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

/// What the program is built from, from the root of the repository. Directories named `tests` do not count.
const SOURCES: [&str; 4] = ["server", "proto/apportion", "proto/envoy", "proto/src"];

/// Runs the program with a command line: its output and its status.
pub fn apportion(server: Option<SocketAddr>, arguments: &[&OsStr]) -> Output {
    command(server, arguments).output().expect("the program runs")
}

/// The program with a command line and a server to call. The environment is not inherited.
pub fn command(server: Option<SocketAddr>, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().args(arguments);
    if let Some(address) = server {
        command.env("APPORTION_SERVER", format!("http://{address}"));
    }
    command
}

/// The program beside this one, which is built if it is missing or older than its sources.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let this = std::env::current_exe().expect("a path");
        // Tests are in target/PROFILE/deps, programs in target/PROFILE.
        let beside = this.parent().expect("a directory");
        let out = if beside.ends_with("deps") { beside.parent().expect("target/PROFILE") } else { beside };
        let program = out.join(format!("apportion{}", std::env::consts::EXE_SUFFIX));
        let built = program.metadata().and_then(|file| file.modified()).ok();
        if built.is_none_or(|built| changed() > built) {
            build(out);
        }
        assert!(program.exists(), "{} was not built", program.display());
        program
    })
}

fn build(out: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // As this program was built: another profile would build every dependency anew.
    let profile = if out.file_name() == Some(OsStr::new("release")) { "release" } else { "test" };
    command.args(["build", "--profile", profile, "--package", "apportion-cli", "--bin", "apportion"]);
    command.current_dir(root());
    let status = command.status().unwrap_or_else(|error| panic!("cargo cannot be started: {error}"));
    assert!(status.success(), "apportion cannot be built: {status}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// When the newest of the sources was changed.
fn changed() -> SystemTime {
    let mut paths: Vec<_> = SOURCES.iter().map(|source| root().join(source)).collect();
    let mut newest = SystemTime::UNIX_EPOCH;
    while let Some(path) = paths.pop() {
        if let Ok(entries) = path.read_dir() {
            let inside = entries.map(|entry| entry.expect("an entry").path());
            paths.extend(inside.filter(|path| !path.ends_with("tests")));
        } else if let Ok(modified) = path.metadata().and_then(|file| file.modified()) {
            newest = newest.max(modified);
        }
    }
    newest
}
