//! `apportion serve --dev`: what it prints, what it serves, what it leaves behind, and what it refuses.

use crate::process::{Said, run, said, soon};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server for development in an empty directory. It ends when dropped.
struct Dev {
    child: Child,
    directory: tempfile::TempDir,
    /// The first line of its output.
    ready: serde_json::Value,
    /// The address to connect to.
    url: String,
}

fn dev(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().current_dir(directory).args(["serve", "--dev"]).args(words).stdin(Stdio::null());
    command
}

impl Dev {
    fn start(policy: &str, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("policy.toml"), policy).expect("it is written");
        let mut command = dev(directory.path(), &["--listen", "127.0.0.1:0"]);
        command.args(words).envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut first).expect("it speaks");
        let ready: serde_json::Value = serde_json::from_str(&first).expect(&first);
        let url = ready["url"].as_str().expect("an address").to_owned();
        Self { child, directory, ready, url }
    }

    fn run(&self, words: &[&str]) -> Said {
        run(&self.url, words, &[])
    }

    /// The names in its directory.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).expect("readable");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const POLICY: &str = "[[workspace]]\nid = \"crm\"\n[[workspace.limit]]\nid = \"l\"\npermits = 7\nwindow = \"10s\"\n\
                      [[workspace.team]]\nid = \"sync\"\nweight = 3\n";

/// Why it does not start with these flags and variables.
#[track_caller]
fn refused(words: &[&str], variables: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    said(dev(directory.path(), words).envs(variables.iter().copied())).refused()
}

#[test]
fn the_first_line_says_where_it_is_and_the_workspace_default_is_served() {
    let dev = Dev::start("", &[], &[]);
    let address = |field: &str| dev.ready[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(dev.ready["message"], "serving");
    assert_eq!(dev.url, format!("http://{}", address("grpc")));
    for address in [address("grpc"), address("http")] {
        let address: std::net::SocketAddr = address.parse().expect(&address);
        assert!(address.ip().is_loopback() && address.port() != 0, "{address}");
    }
    assert!(dev.run(&["team", "list", "default"]).well().contains("default"));
}

#[test]
fn a_policy_file_is_in_force_before_the_server_is_announced() {
    let dev =
        Dev::start(POLICY, &["--policy", "policy.toml"], &[("APPORTION_TOKEN", "of-another-server-0123")]);
    let shown = dev.run(&["workspace", "get", "crm", "--json"]).well();
    assert!(shown.contains('7') && shown.contains("10s"), "{shown}");
    assert!(dev.run(&["team", "list", "crm"]).well().contains("sync"));
}

#[test]
fn nothing_is_left_behind_however_it_ends() {
    for signal in ["-TERM", "-KILL"] {
        let mut dev = Dev::start("", &[], &[]);
        dev.run(&["team", "create", "default", "sync"]).well();
        let id = dev.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        soon(|| dev.child.try_wait().expect("a child").is_some());
        assert_eq!(dev.left(), ["policy.toml"]);
    }
}

#[test]
fn two_of_them_run_side_by_side_and_share_nothing() {
    let (one, other) = (Dev::start("", &[], &[]), Dev::start("", &[], &[]));
    one.run(&["team", "create", "default", "sync"]).well();
    assert!(!other.run(&["team", "list", "default"]).well().contains("sync"));
}

#[test]
fn what_would_keep_data_let_others_in_or_ask_for_a_credential_is_refused() {
    for (words, variables, named) in [
        (&["--data-dir", "x"][..], &[][..], "data_dir must not be set"),
        (&[], &[("APPORTION_DATA_DIR", "x")], "data_dir must not be set"),
        (&["--tls-cert", "x", "--tls-key", "y"], &[], "tls must not be set"),
        (&["--insecure"], &[], "insecure must not be set"),
        (&[], &[("APPORTION_ADMIN_TOKEN", "0123456789abcdef")], "APPORTION_ADMIN_TOKEN must not be set"),
        (&["--listen", "0.0.0.0:0"], &[], "listen: 0.0.0.0:0 is not a loopback address"),
        (&["--listen", "[::]:0"], &[], "listen: [::]:0 is not a loopback address"),
        (&["--http-listen", "0.0.0.0:0"], &[], "http_listen: 0.0.0.0:0 is not a loopback address"),
    ] {
        let error = refused(words, variables);
        assert!(error.contains("--dev") && error.contains(named), "{words:?}: {error}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut without = Command::new(env!("CARGO_BIN_EXE_apportion"));
    without.env_clear().current_dir(directory.path()).args(["serve", "--policy", "x"]).stdin(Stdio::null());
    assert!(said(&mut without).refused().contains("--dev"));
}

#[test]
fn a_policy_that_is_wrong_or_absent_ends_the_server_with_its_fault() {
    let error = refused(&["--listen", "127.0.0.1:0", "--policy", "absent.toml"], &[]);
    assert!(error.contains("absent.toml"), "{error}");
    let directory = tempfile::tempdir().expect("a directory");
    for (policy, fault) in [
        ("[[workspace]]\nid = \"w\"\npreset = \"hubspot\"\n", "cannot be served yet"),
        ("[[workspace]]\nid = \"w\"\npreset = \"x\"\n", "no such preset"),
        ("nonsense", "line 1"),
    ] {
        std::fs::write(directory.path().join("p"), policy).expect("it is written");
        let error = said(&mut dev(directory.path(), &["--listen", "127.0.0.1:0", "--policy", "p"])).refused();
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn a_policy_may_come_from_standard_input_and_a_reader_may_go_after_the_first_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = dev(directory.path(), &["--listen", "127.0.0.1:0", "--policy", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), POLICY.as_bytes())
        .expect("it is read");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("it speaks");
    let ready: serde_json::Value = serde_json::from_str(&first).expect(&first);
    let teams = run(ready["url"].as_str().unwrap_or_default(), &["team", "list", "crm"], &[]);
    child.kill().expect("it runs");
    let mut log = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    child.wait().expect("it ends");
    assert!(teams.well().contains("sync"), "{log}");
}
