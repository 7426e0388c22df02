//! A server in a process of its own, and commands against it. What stands in the environment does not count.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time for what happens soon.
const SOON: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) http: SocketAddr,
    /// The first line that it said.
    pub(crate) first: String,
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

/// What the shell does before the server takes its place: modes of files come from the program alone.
const WIDE: &str = "umask 0";

fn serve(before: &str, directory: &Path, config: &str, variables: &[(&str, &str)]) -> Command {
    let file = directory.join("apportion.toml");
    std::fs::write(&file, config).expect("the settings are written");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]).arg(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().envs(variables.iter().copied()).arg("serve").arg("--config").arg(file);
    command.arg("--data-dir").arg(directory.join("data"));
    command.args(["--http-listen", "127.0.0.1:0"]).stdin(Stdio::null());
    command
}

impl Server {
    /// Starts with these settings and variables.
    pub(crate) fn start(config: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), config, variables)
    }

    /// Starts with these settings and variables on what is in a directory.
    pub(crate) fn start_in(directory: tempfile::TempDir, config: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_after(WIDE, directory, config, variables)
    }

    /// Starts so that it outlives whoever hangs up.
    pub(crate) fn start_detached() -> Self {
        Self::start_after("trap '' HUP", tempfile::tempdir().expect("a directory"), "", &[])
    }

    fn start_after(
        before: &str,
        directory: tempfile::TempDir,
        config: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = serve(before, directory.path(), config, variables);
        let log = std::fs::File::create(directory.path().join("log")).expect("a file");
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("it starts");
        let mut first = String::new();
        // Nobody listens to it after that, and it serves all the same.
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut first).expect("it speaks");
        let addresses: Vec<SocketAddr> = first
            .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))
            .filter_map(|word| word.trim_matches(':').parse().ok())
            .collect();
        let [address, http] = addresses[..] else { panic!("no addresses in {first:?}") };
        Self { child, directory, address, http, first }
    }

    /// Kills it, and starts it again on the same store.
    pub(crate) fn restart(self, config: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_in(self.kill(), config, variables)
    }

    /// Kills it, and returns what it leaves.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        std::mem::replace(&mut self.directory, tempfile::tempdir().expect("a directory"))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill").success());
    }

    /// Sends it a signal, and returns its exit code.
    pub(crate) fn ended_by(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        let mut code = None;
        soon(|| {
            code = self.child.try_wait().expect("a child").map(|status| status.code());
            code.is_some()
        });
        code.flatten()
    }

    /// Where its store is.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Another path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All that it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("readable")
    }

    /// What it answers to a GET over HTTP, headers included.
    pub(crate) fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    }

    /// The values of the metric whose line starts so, added up.
    pub(crate) fn metric(&self, start: &str) -> u64 {
        let text = self.page("/metrics");
        let lines = text.lines().filter(|line| line.starts_with(start));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Why a server does not start with these settings, listening there.
    #[track_caller]
    pub(crate) fn refused(config: &str, listen: &str) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = serve(WIDE, directory.path(), config, &[]);
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

/// Waits until something is so. What runs in real processes has its own time.
#[track_caller]
pub(crate) fn soon(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "it is not so");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Why a server does not start on a store that is there.
pub(crate) fn start_refused(data: &Path) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
        "--data-dir",
    ]);
    said(command.arg(data).stdin(Stdio::null()))
}

/// Runs a command against the server at an address.
pub(crate) fn run(address: &str, words: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().env("APPORTION_SERVER", address).envs(variables.iter().copied());
    said(command.args(words).stdin(Stdio::null()))
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
