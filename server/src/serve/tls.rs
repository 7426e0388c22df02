//! TLS for gRPC: its files, read at start and again whenever they change.

use crate::config::Tls;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// How often to check whether the files have changed.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// The ALPN protocol.
const HTTP2: &[u8] = b"h2";

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls: {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// The contents of the files cannot be used, or do not match.
    #[error("tls: {cert} and {key}{clients} cannot be used: {why}")]
    Unusable {
        /// The certificate chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
        /// The authority of client certificates, where one is set.
        clients: String,
        /// The fault that was found.
        why: String,
    },
}

/// The certificates of new connections: the last usable contents of the files.
#[derive(Debug)]
pub(super) struct Certificates {
    tls: Tls,
    current: RwLock<Arc<ServerConfig>>,
}

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    clients: Option<Vec<u8>>,
}

impl Certificates {
    /// Reads the files, and reloads them as long as this is in use. To be called inside a tokio runtime.
    pub(super) fn read(tls: Tls) -> Result<Arc<Self>, TlsError> {
        let files = Files::read(&tls)?;
        let current = RwLock::new(files.config(&tls)?);
        let certificates = Arc::new(Self { tls, current });
        tokio::spawn(watch(Arc::downgrade(&certificates), files));
        Ok(certificates)
    }

    /// The configuration of a new connection.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the contents of the files in force where they differ from `seen`. Unusable contents change nothing.
    fn reload(&self, seen: Result<Files, TlsError>) -> Result<Files, TlsError> {
        let files = Files::read(&self.tls);
        match (&seen, &files) {
            (Ok(seen), Ok(files)) if seen == files => {}
            (Err(_), Err(_)) => {}
            (_, Err(error)) => warn(error),
            (_, Ok(files)) => match files.config(&self.tls) {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("new connections are served with the certificates that were changed");
                }
                Err(error) => warn(&error),
            },
        }
        files
    }
}

fn warn(error: &TlsError) {
    tracing::warn!(%error, "the certificates were changed and cannot be used: those before them stay in use");
}

async fn watch(certificates: Weak<Certificates>, files: Files) {
    let mut seen = Ok(files);
    loop {
        tokio::time::sleep(RELOAD_INTERVAL).await;
        let Some(certificates) = certificates.upgrade() else { return };
        // Reading may block for long, as on a network file system.
        match tokio::task::spawn_blocking(move || certificates.reload(seen)).await {
            Ok(now) => seen = now,
            Err(_) => return,
        }
    }
}

impl Files {
    fn read(tls: &Tls) -> Result<Self, TlsError> {
        Ok(Self {
            cert: read(&tls.cert)?,
            key: read(&tls.key)?,
            clients: tls.clients.as_ref().map(|clients| read(&clients.ca)).transpose()?,
        })
    }

    fn config(&self, tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
        let optional = tls.clients.as_ref().is_some_and(|clients| clients.optional);
        self.parsed(optional).map(Arc::new).map_err(|why| {
            let clients = tls.clients.as_ref().map(|clients| format!(" with {}", clients.ca.display()));
            TlsError::Unusable {
                cert: tls.cert.clone(),
                key: tls.key.clone(),
                clients: clients.unwrap_or_default(),
                why,
            }
        })
    }

    fn parsed(&self, optional: bool) -> Result<ServerConfig, String> {
        let builder = ServerConfig::builder();
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let mut roots = RootCertStore::empty();
                for authority in chain(authorities, "client_ca")? {
                    roots.add(authority).map_err(|error| format!("client_ca: {error}"))?;
                }
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots));
                let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
            }
        };
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| format!("key: {error}"))?;
        let config = builder.with_single_cert(chain(&self.cert, "cert")?, key);
        let mut config = config.map_err(|error| format!("{error}"))?;
        config.alpn_protocols = vec![HTTP2.into()];
        Ok(config)
    }
}

/// The certificates of a file in PEM form.
fn chain(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| format!("{what}: {error}"))?;
    if chain.is_empty() { Err(format!("{what}: there is no certificate in it")) } else { Ok(chain) }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.into(), error })
}
