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
        "listen: {0} is beyond loopback and nobody has to say who they are: set APPORTION_ADMIN_TOKEN, or tls.client_ca with [[tls.client]], or --insecure"
    )]
    WithoutAuthentication(SocketAddr),
    /// Certificates are asked for, and nobody has a role.
    #[error(
        "tls.client_ca is set and nobody could call: give names of certificates a role with [[tls.client]], or set APPORTION_ADMIN_TOKEN"
    )]
    Nobody,
    /// Metrics are never served with TLS.
    #[error("http_listen: {0} is beyond loopback and has no TLS: put a proxy in front, or set --insecure")]
    PlainHttp(SocketAddr),
}

/// Whether the server may listen where it is told to. `has_tokens`: the store holds a token already.
///
/// # Errors
/// [`Exposed`] where it would listen beyond loopback without TLS or authentication, and was not told that this is meant; where nobody could call.
pub fn check_exposure(settings: &Settings, has_tokens: bool) -> Result<(), Exposed> {
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let bindings = clients.map(|clients| clients.bindings.len());
    let has_tokens = has_tokens || settings.admin_token.is_some();
    if bindings == Some(0) && !has_tokens {
        return Err(Exposed::Nobody);
    }
    if settings.insecure {
        return Ok(());
    }
    let beyond = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
    let listen = settings.listen;
    if beyond(listen) && settings.tls.is_none() {
        return Err(Exposed::WithoutTls(listen));
    }
    if beyond(listen) && !has_tokens && bindings.is_none() {
        return Err(Exposed::WithoutAuthentication(listen));
    }
    if beyond(settings.http_listen) {
        return Err(Exposed::PlainHttp(settings.http_listen));
    }
    Ok(())
}
