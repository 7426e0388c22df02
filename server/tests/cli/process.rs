//! A server in a process of its own, and commands against it. What stands in the environment does not count.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

/// What a command said, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// What it said where all went well.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Its message where the input or the server refused: one line, and the exit code 2.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(2), "{self:?}");
        self.err
    }
}

fn serve(directory: &Path, config: &str, variables: &[(&str, &str)]) -> Command {
    let file = directory.join("apportion.toml");
    std::fs::write(&file, config).expect("the settings are written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().envs(variables.iter().copied()).arg("serve").arg("--config").arg(file);
    command.arg("--data-dir").arg(directory.join("data"));
    command.args(["--http-listen", "127.0.0.1:0"]).stdin(Stdio::null());
    command
}

impl Server {
    /// Starts with these settings and variables.
    pub(crate) fn start(config: &str, variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = serve(directory.path(), config, variables);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        // Nobody listens to it after that, and it serves all the same.
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it speaks");
        let address = line.strip_prefix("apportion serves gRPC on ").and_then(|line| line.split(',').next());
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, directory, address }
    }

    /// Why a server does not start with these settings, listening there.
    #[track_caller]
    pub(crate) fn refused(config: &str, listen: &str) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = serve(directory.path(), config, &[]);
        said(command.args(["--listen", listen])).refused()
    }

    /// Runs a command without TLS and without a token.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        run(&format!("http://{}", self.address), words, &[])
    }

    /// Writes a file beside the store.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("it is written");
        path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command against the server at an address.
pub(crate) fn run(address: &str, words: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().env("APPORTION_SERVER", address).envs(variables.iter().copied());
    said(command.args(words).stdin(Stdio::null()))
}

fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
