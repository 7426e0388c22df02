//! The clients of the laboratory: services on the Rust client and one on the Go client, which know every node and call the provider.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apportion_client::{AcquireError, Config, Quota, Reason, Request};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::names::{SECRET, SeenError, WORKSPACE};
use crate::process::call::ProviderConnection;
use crate::process::child::{Child, Signal};
use crate::process::pass;
use crate::provider::realtime_ns;

/// How long a request may wait: longer than every fault and a window after it.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The pause of a worker after each lease.
const REST: Duration = Duration::from_millis(60);
/// How long the Go service has to give back what it holds.
const END: Duration = Duration::from_secs(45);

/// What the workers of the Rust client share.
#[derive(Debug)]
struct Shared {
    quota: Quota,
    provider: SocketAddr,
    is_stopped: watch::Receiver<bool>,
    errors: Mutex<Vec<SeenError>>,
}

/// Services that run.
#[derive(Debug)]
pub struct Clients {
    shared: Vec<Arc<Shared>>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    go: Option<Child>,
}

/// One request, as the example of the Go client reports it.
#[derive(Deserialize)]
struct Reported {
    at_ns: u64,
    took_us: u64,
    status: u16,
    #[serde(default)]
    error: String,
}

impl Clients {
    /// Starts a service of the Rust client for each node, which calls that one first, and one of the Go client.
    pub fn start(nodes: &[SocketAddr], provider: SocketAddr, workers: usize) -> Self {
        let (stop, is_stopped) = watch::channel(false);
        let mut clients = Self { shared: Vec::new(), stop, workers: JoinSet::new(), go: None };
        for first in 0..nodes.len() {
            let quota = Quota::connect(config(nodes, first)).expect("a configuration");
            let errors = Mutex::default();
            let shared = Arc::new(Shared { quota, provider, is_stopped: is_stopped.clone(), errors });
            for _ in 0..workers {
                clients.workers.spawn(work(Arc::clone(&shared)));
            }
            clients.shared.push(shared);
        }
        clients.go = Some(go(nodes, provider));
        clients
    }

    /// Stops them: what they hold goes back. Returns the errors that they saw.
    pub async fn stop(mut self) -> Vec<SeenError> {
        let _ = self.stop.send(true);
        let mut errors = Vec::new();
        for shared in &self.shared {
            shared.quota.close().await;
            errors.append(&mut shared.errors.lock().unwrap_or_else(PoisonError::into_inner));
        }
        while self.workers.join_next().await.is_some() {}
        let mut go = self.go.take().expect("it runs");
        errors.extend(go.lines().filter_map(|line| failed(&line)));
        go.signal(Signal::TERM);
        let ended = tokio::task::spawn_blocking(move || go.ended(END).ok_or_else(|| go.stderr())).await;
        let (status, _) = ended.expect("no panic").expect("the Go service ends");
        assert!(status.success(), "the Go service: {status}");
        errors
    }
}

/// The error of a request of the Go service; none where there was a response.
fn failed(line: &str) -> Option<SeenError> {
    let Reported { at_ns, took_us, status, error } = serde_json::from_str(line).ok()?;
    (status != 200).then(|| (at_ns + took_us * 1_000, format!("go: {status} {error}")))
}

/// A configuration that names the node `first` first.
pub(super) fn config(nodes: &[SocketAddr], first: usize) -> Config {
    let urls = (0..nodes.len()).map(|next| format!("http://{}", nodes[(first + next) % nodes.len()]));
    let mut urls = urls.collect::<Vec<_>>().into_iter();
    let config = Config::new(urls.next().expect("a node"));
    let config = urls.fold(config, Config::address);
    config.workspace(WORKSPACE).token(SECRET).insecure().caller(format!("rust-{first}"))
}

async fn work(shared: Arc<Shared>) {
    let mut provider = ProviderConnection::new(shared.provider);
    let request = Request::new().max_wait(MAX_WAIT);
    while !*shared.is_stopped.borrow() {
        match shared.quota.acquire(&request).await {
            Ok(lease) => {
                // Connected before the last check of the lease.
                if provider.ready().await.is_some() && lease.take() {
                    let _ = provider.call().await;
                }
                drop(lease);
                pass(REST).await;
            }
            Err(AcquireError::Closed) => return,
            Err(error) => {
                if let Some(name) = name(&error) {
                    let mut errors = shared.errors.lock().unwrap_or_else(PoisonError::into_inner);
                    errors.push((realtime_ns(), name));
                }
                pass(REST).await;
            }
        }
    }
}

/// What a caller sees as a failure; a refusal for want of permits is none.
fn name(error: &AcquireError) -> Option<String> {
    match error {
        AcquireError::Refused {
            reason: Reason::DeadlineTooShort | Reason::WindowExhausted | Reason::ProviderCooldown,
            ..
        } => None,
        AcquireError::Refused { reason, .. } => Some(reason.as_str_name().to_owned()),
        AcquireError::Unreachable(_) => Some("UNREACHABLE".into()),
        AcquireError::TimedOut => Some("TIMED_OUT".into()),
        other => Some(other.to_string()),
    }
}

fn example() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/go/examples/run"))
}

/// Builds the Go service, so that it does not start late.
pub fn build_go() {
    let status = example().args(["--requests", "0"]).status().expect("the example of client/go starts");
    assert!(status.success(), "the example of client/go cannot be built: {status}");
}

fn go(nodes: &[SocketAddr], provider: SocketAddr) -> Child {
    let urls: Vec<_> = nodes.iter().map(|node| format!("http://{node}")).collect();
    let mut command = example();
    command.args(["--json", "--workspace", WORKSPACE, "--caller", "go-1", "--workers", "2", "--insecure"]);
    command.args(["--provider", &format!("http://{provider}/contacts"), "--seconds", "100000"]);
    command.args(["--apportion", &urls.join(","), "--token", SECRET]);
    Child::start(&mut command)
}
