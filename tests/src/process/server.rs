//! A server: the program `apportion serve` on the loopback, with free ports.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::child::{Child, Signal};
use super::program::program;
use super::site::{ANYWHERE, Site};

/// How long a server has to stop gracefully, where nothing else is measured.
const STOP: Duration = Duration::from_secs(15);

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    http: SocketAddr,
    /// From the start of the process to its first line.
    pub started_in: Duration,
    /// The directory of its store, if that is removed with it.
    _home: Option<TempDir>,
}

impl Server {
    /// Serves an empty store, which is removed with the server.
    pub fn fresh() -> Self {
        Self::fresh_with(&[])
    }

    /// Serves an empty store, with more flags.
    pub fn fresh_with(flags: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let server = Self::start_with(home.path(), flags);
        Self { _home: Some(home), ..server }
    }

    /// Serves the store in `data`, with no other settings.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Serves the store in `data`, with more flags. The environment is not inherited.
    pub fn start_with(data: &Path, flags: &[&str]) -> Self {
        Self::start_as(Command::new(program()), data, flags)
    }

    /// Serves the store in `data`, and survives [`deny_writes`](Self::deny_writes): a write fails as on a full disk.
    pub fn start_deniable(data: &Path) -> Self {
        let mut shell = Command::new("sh");
        // A signal that is ignored stays so in the program that takes the shell's place.
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program());
        Self::start_as(shell, data, &[])
    }

    /// Serves the store in `data` at the address of a server that has ended.
    pub fn start_again(data: &Path, address: SocketAddr) -> Self {
        let mut command = Command::new(program());
        command.env_clear();
        let flags = ["--data-dir", data.to_str().expect("a path in UTF-8")];
        Self::start_of(command, &[address, ANYWHERE], &flags)
    }

    /// Serves the store of a cluster in etcd, as a node of this name.
    pub fn start_on_etcd(store: &str, node: &str) -> Self {
        Self::start_at(&Site::loopback(), store, node)
    }

    /// Serves the store of a cluster in etcd, as a node of this name, at a site.
    pub fn start_at(site: &Site, store: &str, node: &str) -> Self {
        let peers = site.listens[2].to_string();
        let mut flags = vec!["--store", store, "--cluster", "try", "--node", node, "--peer-listen", &peers];
        flags.extend(site.flags.iter().map(String::as_str));
        Self::start_of(site.command(), &[site.listens[0], site.listens[1]], &flags)
    }

    /// Serves with these flags and no others, but for free ports of clients and monitoring.
    pub fn start_plain(flags: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.env_clear();
        Self::start_of(command, &[ANYWHERE; 2], flags)
    }

    fn start_as(mut command: Command, data: &Path, flags: &[&str]) -> Self {
        command.env_clear();
        let flags = [&["--data-dir", data.to_str().expect("a path in UTF-8")], flags].concat();
        Self::start_of(command, &[ANYWHERE; 2], &flags)
    }

    /// Listens for clients and for scrapes at two addresses.
    fn start_of(mut command: Command, listens: &[SocketAddr; 2], flags: &[&str]) -> Self {
        let started = Instant::now();
        let [clients, scrapes] = listens.map(|address| address.to_string());
        command.env("RUST_BACKTRACE", "1");
        command.args(["serve", "--listen", &clients, "--http-listen", &scrapes]);
        let child = Child::start(command.args(flags));
        let line = child.line();
        let (address, http) = addresses(&line).unwrap_or_else(|| panic!("no addresses in `{line}`"));
        Self { child, address, http, started_in: started.elapsed(), _home: None }
    }

    /// Where it listens for gRPC.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for health checks and scrapes.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Its response to GET over HTTP, headers included.
    pub async fn page(&self, path: &str) -> String {
        page(self.http, path).await
    }

    /// A channel that connects with the first call.
    pub fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("an address");
        endpoint.tcp_nodelay(true).connect_lazy()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.ended(Duration::ZERO).is_some()
    }

    /// Lets every write to a file fail from now on.
    pub fn deny_writes(&self) {
        self.child.deny_writes();
    }

    /// Lets it write again.
    pub fn allow_writes(&self) {
        self.child.allow_writes();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Pauses it with SIGSTOP, and returns once it stands still.
    pub fn pause(&self) {
        self.child.pause();
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.child.signal(Signal::KILL);
        self.child.ended(Duration::from_secs(10)).expect("a killed process ends");
        self.has_not_panicked();
    }

    /// Stops it with SIGTERM, and waits until it has exited.
    pub fn stop(mut self, within: Duration) -> ExitStatus {
        self.child.signal(Signal::TERM);
        let ended = self.child.ended(within);
        let (status, _) =
            ended.unwrap_or_else(|| panic!("it did not stop within {within:?}: {}", self.child.stderr()));
        self.has_not_panicked();
        status
    }

    /// Stops it gracefully. Fails if it takes too long, exits with an error or has panicked.
    pub fn stop_cleanly(self) {
        let status = self.stop(STOP);
        assert!(status.success(), "{status}");
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.child.stderr()
    }

    /// Fails if any of its threads has panicked.
    pub fn has_not_panicked(&self) {
        let stderr = self.child.stderr();
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

/// The response to GET over HTTP at an address, headers included.
pub async fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// The two addresses of the first line.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (grpc, http) = line.strip_prefix("apportion serves gRPC on ")?.split_once(',')?;
    let (_, http) = http.rsplit_once("http://")?;
    Some((grpc.parse().ok()?, http.parse().ok()?))
}
