//! One member: a process of etcd with its ports and its directory.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::program::program;
use crate::process::authority::Signed;
use crate::process::child::{Child, Signal};

/// A member, which may be running or not.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    client: SocketAddr,
    peer: SocketAddr,
    pub(super) data: PathBuf,
    process: Option<Child>,
}

/// What all members have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) tls: Option<Signed>,
    pub(super) flags: Vec<String>,
    pub(super) token: String,
    /// Every member as `name=peer url`.
    pub(super) initial: String,
}

impl Member {
    pub(super) fn new(name: String, home: &Path, host: IpAddr) -> Self {
        let data = home.join(&name);
        Self { client: free_port(host), peer: free_port(host), name, data, process: None }
    }

    pub(super) fn peer_url(&self) -> String {
        format!("http://{}", self.peer)
    }

    pub(super) fn address(&self) -> String {
        self.client.to_string()
    }

    /// Starts the process. `joins`: the cluster is there already.
    pub(super) fn start(&mut self, common: &Common, joins: bool) {
        let scheme = if common.tls.is_some() { "https" } else { "http" };
        let client_url = format!("{scheme}://{}", self.address());
        let mut command = Command::new(program("etcd"));
        command.env_clear().arg("--name").arg(&self.name).arg("--data-dir").arg(&self.data);
        command.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        command.args(["--listen-peer-urls", &self.peer_url()]);
        command.args(["--initial-advertise-peer-urls", &self.peer_url()]);
        command.args(["--initial-cluster", &common.initial, "--initial-cluster-token", &common.token]);
        command.args(["--initial-cluster-state", if joins { "existing" } else { "new" }]);
        command.args(["--log-level", "warn", "--bcrypt-cost", "4"]).args(&common.flags);
        if let Some(tls) = &common.tls {
            command.arg("--cert-file").arg(&tls.certificate).arg("--key-file").arg(&tls.key);
            command.arg("--trusted-ca-file").arg(&tls.ca);
            command.arg("--client-cert-auth");
        }
        self.process = Some(Child::start(&mut command));
    }

    /// Kills the process.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::KILL);
            process.ended(Duration::from_secs(10)).expect("a killed process ends");
        }
    }

    /// Pauses the process, if it runs, and returns once it stands still.
    pub(super) fn pause(&self) {
        if let Some(process) = &self.process {
            process.pause();
        }
    }

    /// Sends the process a signal, if it runs.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// What the process wrote to its log.
    pub(super) fn log(&self) -> String {
        self.process.as_ref().map(Child::stderr).unwrap_or_default()
    }
}

/// A port that was free a moment ago.
fn free_port(host: IpAddr) -> SocketAddr {
    let listener = TcpListener::bind((host, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}
