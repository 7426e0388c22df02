//! The program `apportion`, as it was built, serving from a directory of its own.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::child::{Child, Signal};

/// What the program is made of, from the root of the repository.
const SOURCES: [&str; 5] =
    ["server/src", "server/core/src", "server/simulate/src", "server/cli/src", "proto/apportion"];

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    http: SocketAddr,
    /// From the start of the process to its first line.
    pub started_in: Duration,
}

impl Server {
    /// Serves what is in `data`, with no other settings.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Serves what is in `data`, with more flags. What stands in the environment does not count.
    pub fn start_with(data: &Path, flags: &[&str]) -> Self {
        Self::start_as(Command::new(program()), data, flags)
    }

    /// Serves what is in `data`, and lives on where a write goes beyond what it may: the write fails, as on a full disk.
    pub fn start_to_be_denied(data: &Path) -> Self {
        let mut shell = Command::new("sh");
        // A signal that is ignored stays so in the program that takes the shell's place.
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program());
        Self::start_as(shell, data, &[])
    }

    fn start_as(mut command: Command, data: &Path, flags: &[&str]) -> Self {
        let begun = Instant::now();
        command.env_clear().env("RUST_BACKTRACE", "1");
        command.args(["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--data-dir"]);
        let child = Child::start(command.arg(data).args(flags));
        let line = child.line();
        let (address, http) = addresses(&line).unwrap_or_else(|| panic!("no addresses in `{line}`"));
        Self { child, address, http, started_in: begun.elapsed() }
    }

    /// Where it serves gRPC.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics and health.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// What it answers over HTTP, head and all.
    pub async fn page(&self, path: &str) -> String {
        page(self.http, path).await
    }

    /// A connection to it that is made with the first call.
    pub fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("an address");
        endpoint.tcp_nodelay(true).connect_lazy()
    }

    /// The number that the system knows it by.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From now on it can write to no file.
    pub fn deny_writes(&self) {
        self.child.deny_writes();
    }

    /// It can write again.
    pub fn allow_writes(&self) {
        self.child.allow_writes();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Ends it at once, without a chance to do anything.
    pub fn kill(mut self) {
        self.child.signal(Signal::KILL);
        self.child.ended(Duration::from_secs(10)).expect("a killed process ends");
        self.has_not_panicked();
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(mut self, within: Duration) -> ExitStatus {
        self.child.signal(Signal::TERM);
        let ended = self.child.ended(within);
        let (status, _) = ended.unwrap_or_else(|| panic!("not stopped: {}", self.child.complaints()));
        self.has_not_panicked();
        status
    }

    /// Fails if any of its threads has panicked.
    pub fn has_not_panicked(&self) {
        let complaints = self.child.complaints();
        assert!(!complaints.contains("panicked"), "{complaints}");
    }
}

/// What is answered over HTTP there, head and all.
pub async fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// What the program says to a command line, and its end.
pub fn apportion(server: Option<SocketAddr>, arguments: &[&OsStr]) -> Output {
    command(server, arguments).output().expect("the program runs")
}

/// The program with a command line, and a server to call. What stands in the environment does not count.
pub fn command(server: Option<SocketAddr>, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().args(arguments);
    if let Some(address) = server {
        command.env("APPORTION_SERVER", format!("http://{address}"));
    }
    command
}

/// The two addresses of the first line.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (grpc, http) = line.strip_prefix("apportion serves gRPC on ")?.split_once(',')?;
    let (_, http) = http.rsplit_once("http://")?;
    Some((grpc.parse().ok()?, http.parse().ok()?))
}

/// The program beside this one, built if it is not there or older than its sources.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let this = std::env::current_exe().expect("a path");
        // Tests lie in target/PROFILE/deps, programs in target/PROFILE.
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
    command.args(["build", "--package", "apportion-cli", "--bin", "apportion"]).current_dir(root());
    if out.file_name() == Some(OsStr::new("release")) {
        command.arg("--release");
    }
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
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if let Ok(modified) = path.metadata().and_then(|file| file.modified()) {
            newest = newest.max(modified);
        }
    }
    newest
}
