//! The program `apportion`, with one limit in its workspace `default`, and a provider that enforces the same limit.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_tests::process::program::program;
use apportion_tests::process::server::Server;
use apportion_tests::provider::{Provider, Rules};
use tempfile::TempDir;

use crate::case::RealServer;

/// The program on its store. It can be killed and started again on the same port.
pub(super) struct RealApportion {
    home: TempDir,
    address: std::net::SocketAddr,
    running: Option<Running>,
}

/// Started by its first line, or restarted on a port that is known.
enum Running {
    First(Server),
    Again(std::process::Child),
}

impl Drop for RealApportion {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RealApportion {
    /// Starts it with an empty store and the limit.
    pub(super) async fn start(limit: RealServer) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|why| why.to_string())?;
        let path = home.path().to_owned();
        // It blocks until the program says where it listens, and may build the program.
        let server = tokio::task::spawn_blocking(move || Server::start(&path)).await;
        let server = server.map_err(|why| why.to_string())?;
        set(server.channel(), limit).await.map_err(|why| why.to_string())?;
        Ok(Self { home, address: server.address(), running: Some(Running::First(server)) })
    }

    pub(super) fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        match self.running.take() {
            Some(Running::First(server)) => server.kill(),
            Some(Running::Again(mut child)) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            None => {}
        }
    }

    /// Starts it again on the same port and the same store.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.kill();
        let child = serve(self.home.path(), self.address).spawn().map_err(|why| why.to_string())?;
        self.running = Some(Running::Again(child));
        Ok(())
    }
}

fn serve(home: &Path, address: std::net::SocketAddr) -> Command {
    let mut command = Command::new(program());
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["serve", "--http-listen", "127.0.0.1:0", "--listen", &address.to_string(), "--data-dir"]);
    command.arg(home);
    command
}

async fn set(server: tonic::transport::Channel, limit: RealServer) -> Result<(), tonic::Status> {
    let mut admin = AdminServiceClient::new(server);
    let window = prost_types::Duration::try_from(Duration::from_millis(limit.window_ms)).ok();
    let name = "workspaces/default".to_owned();
    let rule = v1::Limit { limit_id: "all".into(), permits: limit.limit, window, ..v1::Limit::default() };
    let none = Some(v1::PriorityShares::default());
    let workspace =
        v1::Workspace { name, limits: vec![rule], holdback: none, floors: none, ..v1::Workspace::default() };
    let paths = ["limits", "holdback", "floors"].map(String::from).into();
    let request = v1::UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..v1::UpdateWorkspaceRequest::default()
    };
    admin.update_workspace(request).await.map(drop)
}

/// A provider that enforces a limit.
pub(super) fn provider(limit: RealServer) -> Result<Provider, String> {
    let rules = Rules { limit: limit.limit.into(), window_ms: limit.window_ms, ..Rules::default() };
    Provider::start(rules).map_err(|why| why.to_string())
}
