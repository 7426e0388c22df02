//! What an operator does to an etcd: compaction, backups, users, another disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use apportion_etcd::api::auth_client::AuthClient;
use apportion_etcd::api::cluster_client::ClusterClient;
use apportion_etcd::api::kv_client::KvClient;
use apportion_etcd::api::maintenance_client::MaintenanceClient;
use apportion_etcd::api::permission::Type;
use apportion_etcd::api::{
    AuthEnableRequest, AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest,
    AuthUserGrantRoleRequest, CompactionRequest, MemberAddRequest, MemberListRequest, MemberRemoveRequest,
    Permission, SnapshotRequest,
};
use apportion_etcd::{EtcdClient, Login, range_end};
use tonic::transport::{Channel, Endpoint};

use super::cluster::{Etcd, initial};
use super::program::program;
use crate::process::authority::Signed;

/// Longest time until etcd takes a new member.
const ADDED: Duration = Duration::from_secs(30);

/// How a backup is restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restored {
    /// As a cluster of its own, as etcd's documentation wants it.
    AsNewCluster,
    /// Under the same token and addresses, so that the id of the cluster stays.
    AsSameCluster,
}

impl Etcd {
    /// The running member that leads.
    pub async fn leader(&self) -> usize {
        loop {
            for (number, member) in self.members.iter().enumerate().filter(|(_, member)| member.is_running())
            {
                let client = EtcdClient::new(&self.options_of(vec![member.address()])).expect("a member");
                if let Ok(status) = client.status().await
                    && status.header.is_some_and(|header| header.member_id == status.leader)
                {
                    return number;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Forgets the past of the newest revision.
    pub async fn compact(&self) {
        let revision =
            self.client().range(b"/".to_vec(), Vec::new(), 1, 0).await.expect("it answers").revision;
        let request = CompactionRequest { revision, physical: true };
        KvClient::new(self.channel(0)).compact(request).await.expect("it is compacted");
    }

    /// Writes a backup, as of now, and returns where it is.
    pub async fn snapshot(&self) -> PathBuf {
        let mut maintenance = MaintenanceClient::new(self.channel(0)).max_decoding_message_size(usize::MAX);
        let mut parts = maintenance.snapshot(SnapshotRequest {}).await.expect("a snapshot").into_inner();
        let mut bytes = Vec::new();
        while let Some(part) = parts.message().await.expect("its parts") {
            bytes.extend(part.blob);
        }
        let path = self.home.path().join("snapshot.db");
        fs::write(&path, bytes).expect("it is written");
        path
    }

    /// Kills all members, and starts them with what the last [snapshot](Self::snapshot) holds.
    pub async fn restore(&mut self, how: Restored) {
        let snapshot = self.home.path().join("snapshot.db");
        if how == Restored::AsNewCluster {
            self.common.token.push_str("-restored");
        }
        for member in &mut self.members {
            member.kill();
            fs::remove_dir_all(&member.data).expect("its directory");
            let mut restore = Command::new(program("etcdutl"));
            restore.args(["snapshot", "restore"]).arg(&snapshot).args(["--name", &member.name]);
            restore.arg("--data-dir").arg(&member.data).args(["--initial-cluster", &self.common.initial]);
            restore.args(["--initial-cluster-token", &self.common.token]);
            restore.args(["--initial-advertise-peer-urls", &member.peer_url()]);
            let output = restore.output().expect("etcdutl runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        for member in &mut self.members {
            member.start(&self.common, false);
        }
        self.answers().await;
    }

    /// Starts a member that was killed with an empty disk, as the new member that it then is.
    pub async fn start_empty(&mut self, number: usize) {
        let other = (number + 1) % self.members.len();
        let mut cluster = ClusterClient::new(self.channel(other));
        let known = cluster.member_list(MemberListRequest {}).await.expect("the members").into_inner();
        let member = &mut self.members[number];
        member.kill();
        fs::remove_dir_all(&member.data).expect("its directory");
        let lost = known.members.iter().find(|known| known.name == member.name).expect("it was a member");
        cluster.member_remove(MemberRemoveRequest { id: lost.id }).await.expect("it is removed");
        let added = MemberAddRequest { peer_urls: vec![member.peer_url()] };
        let started = Instant::now();
        // etcd refuses while the others have not heard of each other for long enough.
        while let Err(status) = cluster.member_add(added.clone()).await {
            assert!(started.elapsed() < ADDED, "a member cannot be added: {status}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.common.initial = initial(&self.members);
        self.members[number].start(&self.common, true);
    }

    /// Requires a user from now on: `root`, and `apportion`, who may do everything below a prefix. Clients made from here on are the
    /// latter.
    pub async fn require_users(&mut self, prefix: &str, password: &str) {
        let mut auth = AuthClient::new(self.channel(0));
        auth.role_add(AuthRoleAddRequest { name: "root".into() }).await.expect("a role");
        auth.role_add(AuthRoleAddRequest { name: "cluster".into() }).await.expect("a role");
        let permission = Permission {
            perm_type: Type::Readwrite.into(),
            key: prefix.into(),
            range_end: range_end(prefix.as_bytes()),
        };
        let grant = AuthRoleGrantPermissionRequest { name: "cluster".into(), perm: Some(permission) };
        auth.role_grant_permission(grant).await.expect("it is granted");
        for (user, role) in [("root", "root"), ("apportion", "cluster")] {
            let add = AuthUserAddRequest { name: user.into(), password: password.into() };
            auth.user_add(add).await.expect("a user");
            let grant = AuthUserGrantRoleRequest { user: user.into(), role: role.into() };
            auth.user_grant_role(grant).await.expect("it is granted");
        }
        auth.auth_enable(AuthEnableRequest {}).await.expect("it is enabled");
        self.login = Some(Login { user: "apportion".into(), password: password.into() });
    }

    /// Starts all members again, with TLS for clients.
    pub async fn encrypt(&mut self, tls: Signed) {
        self.common.tls = Some(tls);
        for member in &mut self.members {
            member.kill();
            member.start(&self.common, true);
        }
        self.answers().await;
    }

    /// A channel to a member without TLS.
    fn channel(&self, number: usize) -> Channel {
        let address = format!("http://{}", self.members[number].address());
        Endpoint::from_shared(address).expect("an address").connect_lazy()
    }
}
