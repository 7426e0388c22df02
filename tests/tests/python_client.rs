//! A client in Python, with stubs generated from `proto/` alone, acquires, settles and is refused as the contract says.

use std::path::{Path, PathBuf};
use std::process::Command;

use apportion_tests::process::server::Server;

/// The packages, installed once, below `target/`. Both of one release, since generated code requires the library of its release.
const PACKAGES: [&str; 2] = ["grpcio==1.76.0", "grpcio-tools==1.76.0"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a command and returns its output. Fails with its name, its errors and what is missing.
fn run(command: &mut Command, missing: &str) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("{program} cannot be started ({error}): {missing}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {missing}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The interpreter of an environment with the packages.
fn python() -> PathBuf {
    let place = root().join("target").join("python-client");
    let python = place.join("bin").join("python");
    let ready = place.join(PACKAGES.join("+"));
    if !ready.exists() {
        let venv = "install python3 with its module venv (Debian: apt-get install python3-venv)";
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place), venv);
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(
            Command::new(&python).args(pip).args(PACKAGES),
            "grpcio and grpcio-tools cannot be installed by pip",
        );
        std::fs::write(&ready, "").expect("a file below target/");
    }
    python
}

/// Generates the stubs of the contract in `out`.
fn generate(python: &Path, out: &Path) {
    let mut command = Command::new(python);
    command.args(["-m", "grpc_tools.protoc", "--proto_path=."]);
    command
        .arg(format!("--python_out={}", out.display()))
        .arg(format!("--grpc_python_out={}", out.display()));
    let protos = root().join("proto").join("apportion").join("v1").read_dir().expect("the contract");
    for proto in protos {
        command.arg(Path::new("apportion/v1").join(proto.expect("an entry").file_name()));
    }
    run(command.current_dir(root().join("proto")), "the stubs cannot be generated");
}

#[test]
fn a_python_client_acquires_waits_settles_and_is_refused_with_details() {
    let python = python();
    let stubs = tempfile::tempdir().expect("a directory");
    generate(&python, stubs.path());
    let server = Server::fresh();
    let script = root().join("tests").join("tests").join("python_client.py");
    let mut command = Command::new(&python);
    command.arg(script).arg(server.address().to_string()).env("PYTHONPATH", stubs.path());
    let output = run(&mut command, "the client was not served as the contract says");
    assert_eq!(output.trim(), "acquired, refused, waited, settled");
    server.has_not_panicked();
}
