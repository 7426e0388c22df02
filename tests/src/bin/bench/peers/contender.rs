//! The servers that are measured: how each is started, and which calls it gets.

use super::install::{GUBERNATOR, THROTTLECRAB};
use super::load::Load;
use super::messages::{Calls, workspace};
use crate::service::{connect, create, on_server_core};
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_tests::process::child::Child;
use apportion_tests::process::server::Server;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Longest time until a server answers its first call.
const START: Duration = Duration::from_secs(20);
/// The pause between attempts at a first call.
const PAUSE: Duration = Duration::from_millis(20);
/// Permits of a window of a workspace: the most there can be.
const PERMITS: u32 = 268_435_456;
/// The length of that window: longer than any run.
const WINDOW_MS: i64 = 3_600_000;

/// A kind of server, with its program where that is not part of this repository.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Answers with the messages of Apportion, and decides nothing.
    Noop,
    Apportion,
    /// The same, asked as Envoy does.
    ApportionRls,
    Throttlecrab(PathBuf),
    Gubernator(PathBuf),
}

/// A server that can be started and called.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A running server. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) pid: u32,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Apportion { _server: Server, _data: TempDir },
    Other(Child),
}

impl Contender {
    pub(super) fn new(kind: Kind) -> Self {
        let name = match kind {
            Kind::Noop => "a service that only answers",
            Kind::Apportion => "Apportion",
            Kind::ApportionRls => "Apportion, asked as Envoy does (RLS)",
            Kind::Throttlecrab(_) => THROTTLECRAB,
            Kind::Gubernator(_) => GUBERNATOR,
        };
        Self { name: name.into(), kind }
    }

    /// The calls about so many keys.
    pub(super) fn calls(&self, keys: usize) -> Calls {
        match self.kind {
            Kind::Noop | Kind::Apportion => Calls::apportion(keys),
            Kind::ApportionRls => Calls::rls(keys),
            Kind::Throttlecrab(_) => Calls::throttlecrab(keys),
            Kind::Gubernator(_) => Calls::gubernator(keys),
        }
    }

    /// Starts it, and waits until it answers a call about each number of keys.
    pub(super) async fn start(&self, keys: &[usize]) -> Result<Running, String> {
        match &self.kind {
            Kind::Apportion => apportion(keys.iter().copied().max().unwrap_or(0), false).await,
            Kind::ApportionRls => apportion(keys.iter().copied().max().unwrap_or(0), true).await,
            Kind::Noop => {
                let this = std::env::current_exe().map_err(|error| error.to_string())?;
                let child = on_server_core(|| Child::start(Command::new(this).arg("--noop")));
                let address = child.next_line()?.parse().map_err(|_| "it says no address")?;
                Ok(Running::other(child, address))
            }
            Kind::Throttlecrab(program) => {
                let [address] = free()?;
                let mut command = Command::new(program);
                command.env_clear().env("RUST_LOG", "error").args(["--log-level", "error", "--grpc"]);
                command.args(["--grpc-host", &address.ip().to_string()]);
                command.args(["--grpc-port", &address.port().to_string()]);
                self.answering(&mut command, address).await
            }
            Kind::Gubernator(program) => {
                let [grpc, http, members] = free()?;
                let mut command = Command::new(program);
                command.env_clear().env("GUBER_LOG_LEVEL", "error");
                // A cluster of one, and no trace collector: attempts to reach one would cost time.
                command
                    .env("OTEL_TRACES_EXPORTER", "none")
                    .env("GUBER_MEMBERLIST_KNOWN_NODES", members.to_string());
                for (setting, address) in [
                    ("GUBER_GRPC_ADDRESS", grpc),
                    ("GUBER_HTTP_ADDRESS", http),
                    ("GUBER_MEMBERLIST_ADDRESS", members),
                    ("GUBER_MEMBERLIST_BIND_ADDRESS", members),
                ] {
                    command.env(setting, address.to_string());
                }
                self.answering(&mut command, grpc).await
            }
        }
    }

    /// Starts a program that does not report its address, and calls it until it answers.
    async fn answering(&self, command: &mut Command, address: SocketAddr) -> Result<Running, String> {
        let running = Running::other(on_server_core(|| Child::start(command)), address);
        let load = Load::new(address, running.pid, self.calls(1));
        let end = Instant::now() + START;
        while let Err(why) = load.touch_each().await {
            if Instant::now() > end {
                return Err(format!("no answer on {address} in {START:?}: {why}; {}", running.complaints()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(running)
    }
}

impl Running {
    fn other(child: Child, address: SocketAddr) -> Self {
        Self { address, pid: child.id(), process: Process::Other(child) }
    }

    fn complaints(&self) -> String {
        match &self.process {
            Process::Other(child) => child.stderr(),
            Process::Apportion { .. } => String::new(),
        }
    }
}

async fn apportion(workspaces: usize, has_domains: bool) -> Result<Running, String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let server = on_server_core(|| Server::start(data.path()));
    let channel = connect(server.address()).await;
    for n in 0..workspaces {
        create(channel.clone(), &workspace(n), PERMITS, WINDOW_MS).await;
        if has_domains {
            bind(channel.clone(), &workspace(n)).await?;
        }
    }
    let (address, pid) = (server.address(), server.pid());
    Ok(Running { address, pid, process: Process::Apportion { _server: server, _data: data } })
}

/// Binds a domain of the same name to a workspace.
async fn bind(channel: Channel, workspace: &str) -> Result<(), String> {
    let domain = v1::Domain { workspace: format!("workspaces/{workspace}"), ..v1::Domain::default() };
    let request =
        v1::CreateDomainRequest { domain_id: workspace.into(), domain: Some(domain), ..Default::default() };
    let made = AdminServiceClient::new(channel).create_domain(request).await;
    made.map(|_| ()).map_err(|status| status.to_string())
}

/// Free addresses, for servers that do not report the one they bound.
fn free<const N: usize>() -> Result<[SocketAddr; N], String> {
    let bind =
        |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| Ok((socket.local_addr()?, socket)));
    // Hold all until the last is bound, or the same port could come twice.
    let held = (0..N).map(bind).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(std::array::from_fn(|at| held[at].0))
}
