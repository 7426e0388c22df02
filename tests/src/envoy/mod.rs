//! A real Envoy between clients and the provider, with the configurations that users start from.

pub mod load;
mod policy;
mod program;

use crate::process::child::Child;
use crate::process::server::page;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub use policy::{LIMIT, WINDOW, prepare};
pub use program::program;

/// Longest time until an Envoy listens.
const START: Duration = Duration::from_secs(30);
/// How often to look whether it does.
const LOOK: Duration = Duration::from_millis(50);

/// A configuration of `deploy/envoy`, by its name. Its addresses are the defaults.
pub fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/envoy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The configuration with other addresses of Apportion and of the provider, and free ports for Envoy's own.
pub fn addressed(configuration: &str, apportion: SocketAddr, provider: SocketAddr) -> String {
    let replaced = |text: String, port: u16, by: u16| {
        let (from, to) = (format!("port_value: {port} "), format!("port_value: {by} "));
        assert!(text.contains(&from), "no `{from}` in the configuration");
        text.replace(&from, &to)
    };
    let text = replaced(configuration.to_owned(), 9901, 0);
    let text = replaced(text, 10_000, 0);
    replaced(replaced(text, 7420, apportion.port()), 8080, provider.port())
}

/// An Envoy that runs.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    /// Where clients reach it.
    pub address: SocketAddr,
    admin: SocketAddr,
    _home: TempDir,
}

impl Envoy {
    /// Starts it with a configuration. Panics with its log if it does not listen in time.
    pub async fn start(configuration: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let (file, admin_file) = (written(home.path(), configuration), home.path().join("admin"));
        let mut command = Command::new(program());
        command.arg("-c").arg(&file).arg("--admin-address-path").arg(&admin_file);
        command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"]);
        let child = Child::start(&mut command);
        let deadline = Instant::now() + START;
        loop {
            let admin = std::fs::read_to_string(&admin_file).ok().and_then(|text| text.parse().ok());
            if let Some(admin) = admin
                && let Some(address) = listener(admin).await
            {
                return Self { child, address, admin, _home: home };
            }
            assert!(Instant::now() < deadline, "Envoy does not listen: {}", child.stderr());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Its counters whose name has this part.
    pub async fn counters(&self, part: &str) -> BTreeMap<String, u64> {
        let page = page(self.admin, &format!("/stats?filter={part}")).await;
        let counter =
            |line: &str| Some((line.split_once(": ")?.0.to_owned(), line.split_once(": ")?.1.parse().ok()?));
        page.lines().filter_map(counter).collect()
    }

    /// The sum of its counters whose name ends like this.
    pub async fn sum(&self, end: &str) -> u64 {
        let counters = self.counters(end.trim_start_matches('.')).await;
        counters.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, count)| count).sum()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.child.stderr()
    }
}

/// Checks a configuration with `envoy --mode validate`.
///
/// # Errors
/// What Envoy says of it.
pub fn validate(configuration: &str) -> Result<(), String> {
    let home = tempfile::tempdir().expect("a directory");
    let file = written(home.path(), configuration);
    let output = Command::new(program()).args(["--mode", "validate", "-c"]).arg(&file).output();
    let output = output.expect("Envoy starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

fn written(directory: &Path, configuration: &str) -> PathBuf {
    let file = directory.join("envoy.yaml");
    std::fs::write(&file, configuration).expect("a file");
    file
}

/// Where its listener is, once it listens.
async fn listener(admin: SocketAddr) -> Option<SocketAddr> {
    tokio::net::TcpStream::connect(admin).await.ok()?;
    let page = page(admin, "/listeners").await;
    let line = page.lines().find_map(|line| line.strip_prefix("to_provider::"))?;
    let address: SocketAddr = line.trim().parse().ok()?;
    tokio::net::TcpStream::connect(address).await.ok()?;
    Some(address)
}
