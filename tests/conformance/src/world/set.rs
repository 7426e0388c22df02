//! The servers, the provider and the files of one case, and what happens to them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apportion_tests::provider::Provider;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::authority;
use super::real::{self, RealApportion};
use crate::case::{Case, ServerTable};
use crate::provider::ScriptedProvider;
use crate::scripted::script::Fault;
use crate::scripted::{Leases, Script, Scripted};

/// An address that is not of this machine, where nobody is: RFC 5737 keeps it for documents.
const ELSEWHERE: &str = "192.0.2.1:7420";

/// A server of a case.
pub(super) enum AnyServer {
    Scripted(Scripted),
    Real(Mutex<RealApportion>),
}

/// A provider of a case.
pub(super) enum AnyProvider {
    None,
    Scripted(ScriptedProvider),
    Limited(Provider),
}

/// The world of one case. All of it ends when it is dropped.
pub struct World {
    pub(super) servers: BTreeMap<String, AnyServer>,
    pub(super) provider: AnyProvider,
    pub(super) leases: Arc<Mutex<Leases>>,
    addresses: Arc<Mutex<HashMap<String, String>>>,
    secured: bool,
    directory: TempDir,
    /// An address at which nobody listens: the port is taken, so that nobody will.
    _nobody: TcpSocket,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Starts everything that a case needs.
    ///
    /// # Errors
    /// Says what cannot be started.
    pub async fn start(case: &Case) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|why| why.to_string())?;
        let (leases, addresses) = (Arc::default(), Arc::new(Mutex::new(HashMap::new())));
        let mut servers = BTreeMap::new();
        let mut secured = false;
        for (name, table) in &case.servers {
            secured |= table.tls.is_some();
            let server = match table.real {
                Some(limit) => AnyServer::Real(Mutex::new(RealApportion::start(limit).await?)),
                None => AnyServer::Scripted(scripted(name, table, &leases, &addresses, &directory)?),
            };
            locked(&addresses).insert(name.clone(), address(&server));
            servers.insert(name.clone(), server);
        }
        let provider = match (&case.provider, case.limited_provider) {
            (_, Some(limit)) => AnyProvider::Limited(real::provider(limit)?),
            (Some(script), None) => {
                let provider = ScriptedProvider::start(script.clone()).await;
                AnyProvider::Scripted(provider.map_err(|why| why.to_string())?)
            }
            (None, None) => AnyProvider::None,
        };
        let (nobody, address) = nobody().map_err(|why| why.to_string())?;
        locked(&addresses).insert("nobody".into(), address.to_string());
        locked(&addresses).insert("elsewhere".into(), ELSEWHERE.into());
        Ok(Self { servers, provider, leases, addresses, secured, directory, _nobody: nobody })
    }

    /// The URL of a server.
    ///
    /// # Errors
    /// If the case has no such server.
    pub fn url(&self, server: &str) -> Result<String, String> {
        let scheme = if self.secured { "https" } else { "http" };
        let addresses = locked(&self.addresses);
        let address = addresses.get(server).ok_or_else(|| format!("no server {server}"))?;
        Ok(format!("{scheme}://{address}"))
    }

    /// The URL of a path at the provider.
    pub fn provider_url(&self, path: &str) -> String {
        let address = match &self.provider {
            AnyProvider::Scripted(provider) => provider.address(),
            AnyProvider::Limited(provider) => provider.address(),
            AnyProvider::None => ([127, 0, 0, 1], 1).into(),
        };
        format!("http://{address}{path}")
    }

    /// The path of a file of the case.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Gives a server another script.
    ///
    /// # Errors
    /// If there is no such scripted server.
    pub fn follow(&self, server: &str, script: Script) -> Result<(), String> {
        self.scripted(server).map(|server| server.follow(script))
    }

    /// Gives the provider another script.
    pub fn follow_provider(&self, script: crate::provider::ProviderScript) {
        if let AnyProvider::Scripted(provider) = &self.provider {
            provider.follow(script);
        }
    }

    /// Stops a server as if it were killed.
    ///
    /// # Errors
    /// If there is no such server.
    pub fn stop(&self, server: &str) -> Result<(), String> {
        match self.server(server)? {
            AnyServer::Scripted(server) => server.stop(),
            AnyServer::Real(server) => locked(server).kill(),
        }
        Ok(())
    }

    /// Lets a server listen again.
    ///
    /// # Errors
    /// If there is no such server, or if its port is taken.
    pub fn serve(&self, server: &str) -> Result<(), String> {
        match self.server(server)? {
            AnyServer::Scripted(server) => server.serve().map_err(|why| why.to_string()),
            AnyServer::Real(server) => locked(server).restart(),
        }
    }

    /// Closes the connections of a server, or says GOAWAY on them.
    ///
    /// # Errors
    /// If there is no such scripted server.
    pub fn order(&self, server: &str, fault: Fault) -> Result<(), String> {
        self.scripted(server).map(|server| server.order(fault))
    }

    /// Lets a server be silent, or speak again.
    ///
    /// # Errors
    /// If there is no such scripted server.
    pub fn freeze(&self, server: &str, is_frozen: bool) -> Result<(), String> {
        self.scripted(server).map(|server| server.freeze(is_frozen))
    }

    /// What servers were sent that the contract does not allow.
    pub fn malformed(&self) -> Vec<String> {
        let scripted = self.servers.values().filter_map(|server| match server {
            AnyServer::Scripted(server) => Some(server.record().malformed.clone()),
            AnyServer::Real(_) => None,
        });
        scripted.flatten().collect()
    }

    fn server(&self, name: &str) -> Result<&AnyServer, String> {
        self.servers.get(name).ok_or_else(|| format!("no server {name}"))
    }

    fn scripted(&self, name: &str) -> Result<&Scripted, String> {
        match self.server(name)? {
            AnyServer::Scripted(server) => Ok(server),
            AnyServer::Real(_) => Err(format!("{name} follows no script")),
        }
    }
}

fn scripted(
    name: &str,
    table: &ServerTable,
    leases: &Arc<Mutex<Leases>>,
    addresses: &Arc<Mutex<HashMap<String, String>>>,
    directory: &TempDir,
) -> Result<Scripted, String> {
    let security = match table.tls.as_deref() {
        None => None,
        Some("server") => Some(authority::security(directory.path(), false)?),
        Some("mutual") => Some(authority::security(directory.path(), true)?),
        Some(other) => return Err(format!("tls is {other}: it must be server or mutual")),
    };
    let server = Scripted::start(name, table.script(), leases, addresses, security, table.streams);
    let server = server.map_err(|why| why.to_string())?;
    if table.down {
        server.stop();
    }
    if table.frozen {
        server.freeze(true);
    }
    Ok(server)
}

fn address(server: &AnyServer) -> String {
    match server {
        AnyServer::Scripted(server) => server.address().to_string(),
        AnyServer::Real(server) => locked(server).address().to_string(),
    }
}

fn nobody() -> std::io::Result<(TcpSocket, std::net::SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}
