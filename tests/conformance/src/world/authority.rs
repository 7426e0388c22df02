//! Certificates of a case: an authority that is right, one that is wrong, and what the right one signed.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Writes `right.pem`, `wrong.pem`, `client.pem` and `client.key` into a directory, and makes the settings of a server that the
/// right authority vouches for. It asks clients for a certificate if it is `mutual`.
pub(super) fn security(directory: &Path, mutual: bool) -> Result<Arc<ServerConfig>, String> {
    let said = |why: &dyn std::fmt::Display| why.to_string();
    let (right, wrong) = (authority("right")?, authority("wrong")?);
    let (certificate, key) = signed(&right, "server")?;
    let (client, client_key) = signed(&right, "client")?;
    let files = [
        ("right.pem", right.pem()),
        ("wrong.pem", wrong.pem()),
        ("client.pem", client),
        ("client.key", client_key),
    ];
    for (name, text) in files {
        write(&directory.join(name), &text).map_err(|why| said(&why))?;
    }
    let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|why| said(&why))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|why| said(&why))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|why| said(&why))?;
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(right.pem().as_bytes()).map_err(|why| said(&why))?;
        roots.add(root).map_err(|why| said(&why))?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.map_err(|why| said(&why))?)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(vec![chain], key).map_err(|why| said(&why))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

fn authority(name: &str) -> Result<Issuer, String> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().map_err(|why| why.to_string())?;
    CertifiedIssuer::self_signed(params, key).map_err(|why| why.to_string())
}

/// A certificate for the loopback and its key, in PEM.
fn signed(issuer: &Issuer, name: &str) -> Result<(String, String), String> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let localhost = "localhost".try_into().map_err(|why| format!("{why}"))?;
    params.subject_alt_names =
        vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into()), SanType::DnsName(localhost)];
    let key = KeyPair::generate().map_err(|why| why.to_string())?;
    let certificate = params.signed_by(&key, issuer).map_err(|why| why.to_string())?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
}
