//! The settings of a node of a cluster: its store in etcd, and its name.

use super::error::ConfigError;
use super::file::ConfigFile;
use super::flags::Flags;
use crate::store::etcd::{CLUSTER_LONGEST, EtcdSettings};
use apportion_core::ids::NodeId;
use apportion_etcd::{EtcdOptions, Login, TlsFiles};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the address of a store in etcd starts with.
const SCHEME: &str = "etcd://";
/// Most members that are named.
const MEMBERS_MAX: usize = 32;
/// The longest name of a host, in bytes.
const HOST_LONGEST: usize = 253;
/// The longest password, in bytes.
const PASSWORD_LONGEST: usize = 1_024;
/// How long one call of etcd may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The settings of a node of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// Where its store is.
    pub etcd: EtcdSettings,
    /// Its name, which no other node has.
    pub node: NodeId,
    /// The file with the password of etcd's user, which only this server should read.
    pub password_file: Option<PathBuf>,
    /// Where clients reach it, as `host:port`; `None`: where it listens.
    pub advertise: Option<String>,
}

impl ClusterSettings {
    /// The store as it was named.
    pub fn store(&self) -> String {
        format!("{SCHEME}{}, cluster {}", self.etcd.options.members.join(","), self.etcd.cluster)
    }

    /// Where clients reach a node that listens at this address, as `host:port`.
    pub fn client_address(&self, listens: SocketAddr) -> String {
        self.advertise.clone().unwrap_or_else(|| listens.to_string())
    }

    /// Where other nodes reach it, as `host:port`: at the host that clients are told, where it listens at all addresses.
    pub fn peer_address(&self, listens: SocketAddr) -> String {
        let advertised = self.advertise.as_deref().filter(|_| listens.ip().is_unspecified());
        let host = advertised.and_then(|address| address.rsplit_once(':')).map(|(host, _)| host);
        host.map_or_else(|| listens.to_string(), |host| format!("{host}:{}", listens.port()))
    }
}

/// The settings of a node; `None` where the store is embedded.
pub(super) fn cluster(
    flags: &Flags,
    file: &ConfigFile,
    insecure: bool,
) -> Result<Option<ClusterSettings>, ConfigError> {
    let given = Given::new(flags, file);
    let Some(store) = &given.store else {
        return match given.first() {
            Some(name) => Err(wrong(name, "requires store, such as etcd://127.0.0.1:2379")),
            None => Ok(None),
        };
    };
    if flags.data_dir.is_some() || file.data_dir.is_some() {
        return Err(wrong("data_dir", "is for the embedded store: unset it, or store"));
    }
    let members = members(store).map_err(|why| wrong("store", why))?;
    let name = given
        .name
        .ok_or_else(|| wrong("cluster.name", "is missing: all nodes of a cluster name it alike"))?;
    let node =
        given.node.ok_or_else(|| wrong("cluster.node", "is missing: each node has a name of its own"))?;
    let node = NodeId::new(&node).map_err(|error| wrong("cluster.node", error))?;
    if !is_name(&name) {
        let rule = format!("{name:?}: 1 to {CLUSTER_LONGEST} of a-z, 0-9 and -, and no - at either end");
        return Err(wrong("cluster.name", rule));
    }
    match &given.advertise {
        Some(address) => advertised(address).map_err(|why| wrong("cluster.advertise", why))?,
        None => listens_somewhere(flags, file).map_err(|why| wrong("cluster.advertise", why))?,
    }
    let tls = tls(given.ca, given.cert, given.key)?;
    let password_file = given.password_file.clone();
    let login = login(given.user, given.password_file.as_deref())?;
    if let Some(member) = members.iter().find(|member| !is_loopback(member))
        && login.is_some()
        && tls.is_none()
        && !insecure
    {
        let why =
            format!("the password would be sent to {member} without TLS: set etcd.ca, or use --insecure");
        return Err(wrong("etcd.user", why));
    }
    let options = EtcdOptions { members, tls, login, call_timeout: CALL_TIMEOUT };
    let etcd = EtcdSettings { options, cluster: name };
    Ok(Some(ClusterSettings { etcd, node, password_file, advertise: given.advertise }))
}

/// Flags and environment before the file.
struct Given {
    store: Option<String>,
    name: Option<String>,
    node: Option<String>,
    advertise: Option<String>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

impl Given {
    fn new(flags: &Flags, file: &ConfigFile) -> Self {
        let (cluster, etcd) = (&file.cluster, &file.etcd);
        let either = |flag: &Option<String>, file: &Option<String>| flag.clone().or_else(|| file.clone());
        let path = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
        Self {
            store: either(&flags.store, &file.store),
            name: either(&flags.cluster, &cluster.name),
            node: either(&flags.node, &cluster.node),
            advertise: either(&flags.advertise, &cluster.advertise),
            ca: path(&flags.etcd_ca, &etcd.ca),
            cert: path(&flags.etcd_cert, &etcd.cert),
            key: path(&flags.etcd_key, &etcd.key),
            user: either(&flags.etcd_user, &etcd.user),
            password_file: path(&flags.etcd_password_file, &etcd.password_file),
        }
    }

    /// The first setting that only a cluster has.
    fn first(&self) -> Option<&'static str> {
        let given = [
            ("cluster.name", self.name.is_some()),
            ("cluster.node", self.node.is_some()),
            ("cluster.advertise", self.advertise.is_some()),
            ("etcd.ca", self.ca.is_some()),
            ("etcd.cert", self.cert.is_some()),
            ("etcd.key", self.key.is_some()),
            ("etcd.user", self.user.is_some()),
            ("etcd.password_file", self.password_file.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

fn wrong(name: &'static str, why: impl ToString) -> ConfigError {
    ConfigError::Cluster { name, why: why.to_string() }
}

/// The members of a store such as `etcd://a:2379,b:2379`.
fn members(store: &str) -> Result<Vec<String>, String> {
    let members = store.strip_prefix(SCHEME).ok_or_else(|| {
        format!("{store:?} does not start with {SCHEME}: write etcd://HOST:PORT,…, or leave it out for the embedded store")
    })?;
    if members.contains('@') {
        return Err("no user or password in the address: set etcd.user and etcd.password_file".into());
    }
    let members: Vec<_> = members.split(',').map(str::to_owned).collect();
    if members.len() > MEMBERS_MAX {
        return Err(format!("{} members, at most {MEMBERS_MAX}", members.len()));
    }
    for member in &members {
        host_and_port(member)?;
    }
    Ok(members)
}

/// Reads HOST:PORT, where an IPv6 address stands in brackets.
fn host_and_port(text: &str) -> Result<(&str, u16), String> {
    let wrong = || format!("{text:?} is not HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=HOST_LONGEST).contains(&host.len())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    let port = port.parse().ok().filter(|&port| port > 0 && is_host).ok_or_else(wrong)?;
    Ok((host, port))
}

fn advertised(address: &str) -> Result<(), String> {
    host_and_port(address)?;
    let is_no_place = address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_unspecified());
    if is_no_place { Err(format!("{address} is no address to connect to: name the host")) } else { Ok(()) }
}

/// Checks that the addresses at which a node listens are ones that others can connect to.
fn listens_somewhere(flags: &Flags, file: &ConfigFile) -> Result<(), String> {
    let listens = [flags.listen.or(file.listen), flags.peer_listen.or(file.peer_listen)];
    match listens.into_iter().flatten().find(|address| address.ip().is_unspecified()) {
        Some(address) => Err(format!(
            "is missing: {address} is no address to connect to, so say where this node is reached"
        )),
        None => Ok(()),
    }
}

fn is_loopback(member: &str) -> bool {
    let Ok((host, _)) = host_and_port(member) else { return false };
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=CLUSTER_LONGEST).contains(&text.len())
        && text.chars().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn tls(
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<TlsFiles>, ConfigError> {
    match (ca, cert, key) {
        (None, None, None) => Ok(None),
        (None, _, _) => Err(wrong("etcd.ca", "is missing: a client certificate requires TLS")),
        (Some(ca), None, None) => Ok(Some(TlsFiles { ca, identity: None })),
        (Some(ca), Some(cert), Some(key)) => Ok(Some(TlsFiles { ca, identity: Some((cert, key)) })),
        (_, None, _) => Err(wrong("etcd.cert", "is missing: cert and key must be set together")),
        (_, _, None) => Err(wrong("etcd.key", "is missing: cert and key must be set together")),
    }
}

fn login(user: Option<String>, password_file: Option<&Path>) -> Result<Option<Login>, ConfigError> {
    let (user, path) = match (user, password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(path)) if !user.is_empty() => (user, path),
        (Some(_), None) => return Err(wrong("etcd.password_file", "is missing: a user has a password")),
        (_, Some(_)) => return Err(wrong("etcd.user", "is missing or empty: a password has a user")),
    };
    let name = "etcd.password_file";
    let text =
        fs::read_to_string(path).map_err(|error| wrong(name, format!("{}: {error}", path.display())))?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() || password.len() > PASSWORD_LONGEST {
        return Err(wrong(name, format!("{}: 1 to {PASSWORD_LONGEST} bytes", path.display())));
    }
    Ok(Some(Login { user, password }))
}
