//! Where a scripted server listens: connections, which it closes, freezes and says goodbye to.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::call;
use super::decide::Shared;
use super::leases::Leases;
use super::record::Record;
use super::script::{Fault, Script};

/// The most connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// How connections are secured.
pub type Security = Option<Arc<ServerConfig>>;

/// A scripted server. It stops when it is dropped.
pub struct Scripted {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Has the port while nobody listens, so that no server of another case gets it.
    _reserved: TcpSocket,
    listening: Mutex<Option<AbortHandle>>,
    connections: Arc<Mutex<Vec<mpsc::UnboundedSender<Fault>>>>,
    frozen: watch::Sender<bool>,
    streams_max: Option<u32>,
    security: Security,
}

impl Debug for Scripted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "the server {} at {}", self.shared.name, self.address)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Scripted {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If no socket is available.
    pub fn start(
        name: &str,
        script: Script,
        leases: &Arc<Mutex<Leases>>,
        addresses: &Arc<Mutex<HashMap<String, String>>>,
        security: Security,
        streams_max: Option<u32>,
    ) -> io::Result<Self> {
        let reserved = bound(([127, 0, 0, 1], 0).into())?;
        let address = reserved.local_addr()?;
        let server = Self {
            shared: Arc::new(Shared::new(name, script, Arc::clone(leases), Arc::clone(addresses))),
            address,
            _reserved: reserved,
            listening: Mutex::new(None),
            connections: Arc::default(),
            frozen: watch::Sender::new(false),
            streams_max,
            security,
        };
        server.serve()?;
        Ok(server)
    }

    /// Where it listens, or listened.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was called with.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.record()
    }

    /// Follows another script from now on.
    pub fn follow(&self, script: Script) {
        *self.shared.script() = script;
    }

    /// Stops listening and closes all connections at once, as a process that is killed.
    pub fn stop(&self) {
        if let Some(listening) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listening.abort();
        }
        self.order(Fault::Close);
    }

    /// Listens again on the same port, with what it remembers.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn serve(&self) -> io::Result<()> {
        self.listen(bound(self.address)?.listen(BACKLOG)?);
        Ok(())
    }

    /// Closes all connections, or says GOAWAY on them. Goes on listening.
    pub fn order(&self, fault: Fault) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| connection.send(fault).is_ok());
    }

    /// Stops or continues to read and write on all connections, open and new: a black hole, which accepts and is silent.
    pub fn freeze(&self, is_frozen: bool) {
        self.frozen.send_replace(is_frozen);
    }

    fn listen(&self, listener: TcpListener) {
        let (shared, connections) = (Arc::clone(&self.shared), Arc::clone(&self.connections));
        let (frozen, security, streams_max) =
            (self.frozen.subscribe(), self.security.clone(), self.streams_max);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, orders) = mpsc::unbounded_channel();
                connections.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                let (shared, security) = (Arc::clone(&shared), security.clone());
                let connection = Connection { shared, orders, frozen: frozen.clone(), streams_max };
                tokio::spawn(connection.run(stream, security));
            }
        });
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }
}

/// A socket that has a port, which others may have that do not listen.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// One connection.
struct Connection {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedReceiver<Fault>,
    frozen: watch::Receiver<bool>,
    streams_max: Option<u32>,
}

/// Counts a connection while it is open.
struct OpenConnection(Arc<Shared>);

impl OpenConnection {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut record = shared.record();
        record.connections += 1;
        record.open_connections += 1;
        drop(record);
        Self(Arc::clone(shared))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.record().open_connections -= 1;
    }
}

impl Connection {
    async fn run(mut self, stream: TcpStream, security: Security) {
        let _open = OpenConnection::new(&self.shared);
        let _ = stream.set_nodelay(true);
        if self.frozen.wait_for(|is_frozen| !is_frozen).await.is_err() {
            return;
        }
        match security {
            None => self.serve(stream).await,
            Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                Ok(stream) => self.serve(stream).await,
                Err(_) => return,
            },
        };
    }

    /// Serves until the connection ends; what is left of its calls ends with it.
    async fn serve(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut builder = h2::server::Builder::new();
        if let Some(most) = self.streams_max {
            builder.max_concurrent_streams(most);
        }
        let mut connection = builder.handshake::<_, Bytes>(stream).await.ok()?;
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                accepted = connection.accept() => {
                    let (request, respond) = accepted?.ok()?;
                    calls.spawn(counted(Arc::clone(&self.shared), call::serve(Arc::clone(&self.shared), request, respond)));
                }
                Some(Ok(Some(fault))) = calls.join_next() => {
                    if fault == Fault::Close {
                        return None;
                    }
                    connection.graceful_shutdown();
                }
                order = self.orders.recv() => match order? {
                    Fault::Close => return None,
                    _ => connection.graceful_shutdown(),
                },
                _ = self.frozen.changed() => {
                    tokio::select! {
                        thawed = self.frozen.wait_for(|is_frozen| !is_frozen) => drop(thawed.ok()?),
                        Some(Fault::Close) = self.orders.recv() => return None,
                    }
                }
            }
        }
    }
}

/// Counts a call while it is in flight.
async fn counted(shared: Arc<Shared>, call: impl Future<Output = Option<Fault>>) -> Option<Fault> {
    {
        let mut record = shared.record();
        record.streams += 1;
        record.most_streams = record.most_streams.max(record.streams);
    }
    let counted = CountedCall(shared);
    let fault = call.await;
    drop(counted);
    fault
}

struct CountedCall(Arc<Shared>);

impl Drop for CountedCall {
    fn drop(&mut self) {
        self.0.record().streams -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_stopped_keeps_its_port_and_listens_there_again() {
        let (leases, addresses) = (Arc::default(), Arc::default());
        let server = Scripted::start("main", Script::default(), &leases, &addresses, None, None).unwrap();
        server.stop();
        while TcpStream::connect(server.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..200).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        assert!(others.iter().all(|other| other.local_addr().unwrap() != server.address()));
        server.serve().unwrap();
        TcpStream::connect(server.address()).await.unwrap();
    }
}
