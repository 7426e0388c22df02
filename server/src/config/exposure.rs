//! Whether the server may listen: addresses other than loopback require TLS and authentication.

use super::settings::Settings;
use std::net::SocketAddr;
use thiserror::Error;

/// Why the server may not listen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Exposed {
    /// Traffic would be unencrypted.
    #[error(
        "listen: {0} is not a loopback address and TLS is off: set tls.cert and tls.key, or use --insecure"
    )]
    WithoutTls(SocketAddr),
    /// Every caller would be an administrator.
    #[error(
        "listen: {0} is not a loopback address and authentication is off: set APPORTION_ADMIN_TOKEN, or tls.client_ca with [[tls.client]], or use --insecure"
    )]
    WithoutAuthentication(SocketAddr),
    /// Client certificates are required, and no name has a role.
    #[error(
        "tls.client_ca is set but no caller has a role: add [[tls.client]] entries, or set APPORTION_ADMIN_TOKEN"
    )]
    Nobody,
    /// Whoever reaches the port for other nodes may speak for every caller.
    #[error(
        "peer_listen: {0} is not a loopback address and TLS between nodes is off: set peer_tls.cert, peer_tls.key and peer_tls.ca"
    )]
    PeersWithoutTls(SocketAddr),
    /// Metrics are never served with TLS.
    #[error(
        "http_listen: {0} is not a loopback address and has no TLS: put a proxy in front, or use --insecure"
    )]
    PlainHttp(SocketAddr),
}

/// Checks that the server may listen on its addresses. `has_tokens`: the store contains a token.
///
/// # Errors
/// [`Exposed`] where TLS or authentication is missing and `insecure` is not set, or no caller could have a role.
pub fn check_exposure(settings: &Settings, has_tokens: bool) -> Result<(), Exposed> {
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let bindings = clients.map(|clients| clients.bindings.len());
    let has_tokens = has_tokens || settings.admin_token.is_some();
    if bindings == Some(0) && !has_tokens {
        return Err(Exposed::Nobody);
    }
    let beyond = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
    if let (Some(address), None) = (settings.peer_listen, &settings.peer_tls)
        && beyond(address)
    {
        return Err(Exposed::PeersWithoutTls(address));
    }
    if settings.insecure {
        return Ok(());
    }
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
