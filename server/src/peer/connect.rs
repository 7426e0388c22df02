//! How a node connects to another one: mutual TLS with an authority of the cluster's own, or plain text on loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a peer is asked for a sign of life, and how long it may take to give one. A frozen peer is given up after both.
const KEEP_ALIVE: Duration = Duration::from_millis(1_500);
/// How many bytes of answers may be in flight unread.
const WINDOW_BYTES: u32 = 4 << 20;

/// The files of a node's own certificate, in PEM form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerTls {
    /// The certificate chain of the node, valid as that of a server and of a client.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority of the cluster: whoever holds a certificate of it is a node.
    pub ca: PathBuf,
}

/// A channel that connects when it is used first, and again after it broke.
pub(super) fn lazy(address: &str, tls: Option<&PeerTls>) -> Result<Channel, String> {
    Ok(endpoint(address, tls)?.connect_lazy())
}

/// Connects. Reads the files of the certificate again each time, so that a renewed one is used.
pub(super) async fn connect(address: &str, tls: Option<&PeerTls>) -> Result<Channel, String> {
    let endpoint = endpoint(address, tls)?;
    endpoint.connect().await.map_err(|error| chain(&error))
}

fn endpoint(address: &str, tls: Option<&PeerTls>) -> Result<Endpoint, String> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(|error| chain(&error))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let Some(PeerTls { cert, key, ca }) = tls else { return Ok(endpoint) };
    let config = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(ca)?))
        .identity(Identity::from_pem(read(cert)?, read(key)?));
    endpoint.tls_config(config).map_err(|error| chain(&error))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
