//! One or three members, and what may happen to them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use apportion_etcd::{EtcdClient, EtcdOptions, Login, TlsFiles};
use tempfile::TempDir;

use super::member::{Common, Member};
use crate::process::authority::Signed;
use crate::process::child::Signal;

/// Longest time until members that were started answer.
const READY: Duration = Duration::from_secs(60);

/// How an etcd is started.
#[derive(Clone, Debug, Default)]
pub struct EtcdShape {
    /// How many members; 0: one.
    pub members: usize,
    /// Its certificates; none: no TLS.
    pub tls: Option<Signed>,
    /// More flags of each member.
    pub flags: Vec<String>,
    /// Where it listens; none: at the loopback.
    pub host: Option<IpAddr>,
}

/// A running etcd.
#[derive(Debug)]
pub struct Etcd {
    pub(super) members: Vec<Member>,
    pub(super) common: Common,
    pub(super) home: TempDir,
    pub(super) login: Option<Login>,
}

impl Etcd {
    /// One member without TLS.
    pub async fn single() -> Self {
        Self::start(EtcdShape::default()).await
    }

    /// Three members without TLS.
    pub async fn three() -> Self {
        Self::start(EtcdShape { members: 3, ..EtcdShape::default() }).await
    }

    /// Starts the members, and waits until they answer.
    pub async fn start(shape: EtcdShape) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let names = (0..shape.members.max(1)).map(|number| format!("m{number}"));
        let host = shape.host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let members: Vec<_> = names.map(|name| Member::new(name, home.path(), host)).collect();
        let common =
            Common { tls: shape.tls, flags: shape.flags, token: "test".into(), initial: initial(&members) };
        let mut etcd = Self { members, common, home, login: None };
        for member in &mut etcd.members {
            member.start(&etcd.common, false);
        }
        etcd.answers().await;
        etcd
    }

    /// Where the members listen for clients, each as `host:port`.
    pub fn addresses(&self) -> Vec<String> {
        self.members.iter().map(Member::address).collect()
    }

    /// The members as `--store` takes them.
    pub fn url(&self) -> String {
        format!("etcd://{}", self.addresses().join(","))
    }

    /// What a client of all members needs.
    pub fn options(&self) -> EtcdOptions {
        self.options_of(self.addresses())
    }

    pub(super) fn options_of(&self, members: Vec<String>) -> EtcdOptions {
        let tls = self.common.tls.as_ref().map(|tls| TlsFiles {
            ca: (&tls.ca).into(),
            identity: Some(((&tls.certificate).into(), (&tls.key).into())),
        });
        EtcdOptions { members, tls, login: self.login.clone(), call_timeout: Duration::from_secs(2) }
    }

    /// A client of all members.
    pub fn client(&self) -> EtcdClient {
        EtcdClient::new(&self.options()).expect("they are members")
    }

    /// Waits until a quorum takes a call. Panics, with the log of the first member, if that takes too long.
    pub async fn answers(&self) {
        let (client, started) = (self.client(), Instant::now());
        loop {
            match client.range(b"/apportion/".to_vec(), Vec::new(), 1, 0).await {
                Ok(_) => return,
                Err(error) if started.elapsed() > READY => {
                    panic!("etcd does not answer: {error}\n{}", self.members[0].log())
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Kills a member with SIGKILL. Its directory stays.
    pub fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }

    /// Stops a member with SIGSTOP: it keeps its connections and says nothing.
    pub fn pause(&self, member: usize) {
        self.members[member].pause();
    }

    /// Lets a paused member go on.
    pub fn go_on(&self, member: usize) {
        self.members[member].signal(Signal::CONT);
    }

    /// Starts a member that was killed, with the directory that it had.
    pub fn start_again(&mut self, member: usize) {
        assert!(!self.members[member].is_running(), "kill it first");
        self.members[member].start(&self.common, true);
    }
}

/// All members, as each is told at its start.
pub(super) fn initial(members: &[Member]) -> String {
    let pairs: Vec<_> =
        members.iter().map(|member| format!("{}={}", member.name, member.peer_url())).collect();
    pairs.join(",")
}
