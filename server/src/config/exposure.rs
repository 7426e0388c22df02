//! Who could reach the server: beyond loopback it wants TLS and authentication.

use super::Settings;
use std::net::SocketAddr;
use thiserror::Error;

/// A server that strangers could reach.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Exposed {
    /// What goes over the wire could be read by others.
    #[error("listen: {0} is beyond loopback and there is no TLS: set tls.cert and tls.key, or --insecure")]
    WithoutTls(SocketAddr),
    /// Everybody would be an administrator.
    #[error(
        "listen: {0} is beyond loopback and nobody has to say who they are: set tls.client_ca or APPORTION_ADMIN_TOKEN, or --insecure"
    )]
    WithoutAuthentication(SocketAddr),
    /// Metrics are never served with TLS.
    #[error("http_listen: {0} is beyond loopback and has no TLS: put a proxy in front, or set --insecure")]
    PlainHttp(SocketAddr),
}

/// Whether the server may listen where it is told to. `has_tokens`: the store holds a token already.
///
/// # Errors
/// [`Exposed`] where it would listen beyond loopback without TLS or authentication, and was not told that this is meant.
pub fn check_exposure(settings: &Settings, has_tokens: bool) -> Result<(), Exposed> {
    if settings.insecure {
        return Ok(());
    }
    let beyond = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
    let listen = settings.listen;
    let knows_clients = settings.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some())
        || settings.admin_token.is_some()
        || has_tokens;
    if beyond(listen) && settings.tls.is_none() {
        return Err(Exposed::WithoutTls(listen));
    }
    if beyond(listen) && !knows_clients {
        return Err(Exposed::WithoutAuthentication(listen));
    }
    if beyond(settings.http_listen) {
        return Err(Exposed::PlainHttp(settings.http_listen));
    }
    Ok(())
}
