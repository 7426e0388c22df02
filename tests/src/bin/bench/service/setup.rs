//! The two servers, and a workspace whose budget outlasts every load.

use super::cores::on_server_core;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_tests::process::child::Child;
use apportion_tests::process::server::Server;
use std::net::SocketAddr;
use std::process::Command;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// The workspace under load.
pub(crate) const WORKSPACE: &str = "bench";
/// Permits of one of its windows: the most there can be.
const PERMITS: u32 = 268_435_456;

/// A server, and one that only answers, on the same processor.
pub(crate) struct Pair {
    pub(crate) real: SocketAddr,
    pub(crate) real_pid: u32,
    pub(crate) noop: SocketAddr,
    noop_process: Child,
    _server: Server,
    _data: TempDir,
}

impl Pair {
    /// Starts both.
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = on_server_core(|| Server::start(data.path()));
        let noop_process = on_server_core(|| {
            let this = std::env::current_exe().expect("a path");
            Child::start(Command::new(this).arg("--noop"))
        });
        let noop = noop_process.line().parse().expect("an address");
        create(connect(server.address()).await, WORKSPACE, PERMITS, 3_600_000).await;
        Self {
            real: server.address(),
            real_pid: server.pid(),
            noop,
            noop_process,
            _server: server,
            _data: data,
        }
    }

    /// The process that only answers.
    pub(crate) fn noop_pid(&self) -> u32 {
        self.noop_process.id()
    }
}

/// A connection.
pub(crate) async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.tcp_nodelay(true).connect().await.expect("a server that listens")
}

/// Creates a workspace of one limit with `permits` in each window of `window_ms`, without floors or holdback.
pub(crate) async fn create(channel: Channel, id: &str, permits: u32, window_ms: i64) {
    let window = prost_types::Duration {
        seconds: window_ms / 1000,
        nanos: i32::try_from(window_ms % 1000).expect("below 1000") * 1_000_000,
    };
    let limit = v1::Limit { limit_id: "all".into(), permits, window: Some(window), ..v1::Limit::default() };
    let nothing = Some(v1::PriorityShares::default());
    let workspace =
        v1::Workspace { limits: vec![limit], holdback: nothing, floors: nothing, ..v1::Workspace::default() };
    let request = v1::CreateWorkspaceRequest {
        workspace_id: id.into(),
        workspace: Some(workspace),
        ..Default::default()
    };
    AdminServiceClient::new(channel).create_workspace(request).await.expect("a new workspace");
}

/// One permit for the team `default`. Concurrent requests need different callers, or they would share a queue.
pub(crate) fn acquire(workspace: &str, caller: &str) -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: workspace.into(),
        team: "default".into(),
        caller: caller.into(),
        permits: Some(1),
        ..v1::AcquireLeaseRequest::default()
    }
}

/// A report that the lease was used.
pub(crate) fn used(caller: &str, lease_id: String) -> v1::SettleLeaseRequest {
    v1::SettleLeaseRequest {
        workspace: WORKSPACE.into(),
        team: "default".into(),
        caller: caller.into(),
        lease_id,
        used_permits: 1,
        is_final: true,
        ..v1::SettleLeaseRequest::default()
    }
}
