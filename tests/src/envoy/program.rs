//! The program `envoy`, brought once into `target/envoy`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program. Panics, naming what is missing, if it cannot be had.
pub fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let directory = directory();
            let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/install");
            let output = Command::new(&install).arg(&directory).output();
            let output =
                output.unwrap_or_else(|error| panic!("{} cannot be started: {error}", install.display()));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "this test needs Envoy, which cannot be installed: {said}");
            directory.join("envoy")
        })
        .clone()
}

/// `target/envoy`, beside the directory of this program's profile.
fn directory() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let profile = this.parent().expect("a directory");
    let profile = if profile.ends_with("deps") { profile.parent().expect("target/PROFILE") } else { profile };
    profile.parent().expect("target").join("envoy")
}
