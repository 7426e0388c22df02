//! The program `promtool`, which judges rules as Prometheus does.

use std::path::PathBuf;
use std::process::Command;

use crate::files::{root, target};

/// Runs promtool in `deploy/monitoring`. Fails with what it prints where it finds a fault.
pub(crate) fn promtool(arguments: &[&str]) {
    let mut command = Command::new(program());
    let output = command.current_dir(root().join("deploy/monitoring")).args(arguments).output();
    let output = output.expect("promtool runs");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&text));
}

fn program() -> PathBuf {
    let program = target().join("promtool/promtool");
    if !program.exists() {
        let mut make = Command::new("make");
        let status =
            make.current_dir(root()).arg(format!("PROMTOOL={}", target().join("promtool").display()));
        let status = status.arg("promtool").status().expect("make is there");
        assert!(status.success(), "this test needs promtool, and `make promtool` failed: {status}");
    }
    program
}
