//! The Rust client over TLS.

use apportion_client::{AcquireError, Config, Quota, Request};
use apportion_tests::process::server::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// A certificate authority in PEM, and the files of a certificate for the loopback address that it signed.
fn authority(name: &str, directory: &Path) -> (String, [String; 2]) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
    let key = KeyPair::generate().expect("a key");
    let signed = params.signed_by(&key, &issuer).expect("signed");
    let files = [("pem", signed.pem()), ("key", key.serialize_pem())].map(|(end, text)| {
        let path = directory.join(format!("{name}.{end}"));
        std::fs::write(&path, text).expect("the file is written");
        path.display().to_string()
    });
    (issuer.pem(), files)
}

async fn acquired(server: &Server, authority: &str) -> Result<u32, AcquireError> {
    let config = Config::new(format!("https://{}", server.address())).certificate_authority(authority);
    let quota = Quota::connect(config).expect("a valid configuration");
    let request = Request::new().permits(2).max_wait(Duration::from_secs(5));
    let granted = quota.acquire(&request).await.map(|lease| lease.left());
    quota.close().await;
    granted
}

#[tokio::test]
async fn the_rust_client_acquires_over_tls_only_from_a_server_that_it_trusts() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, [cert, key]) = authority("ours", directory.path());
    let (theirs, _) = authority("theirs", directory.path());
    let server =
        Server::start_with(&directory.path().join("data"), &["--tls-cert", &cert, "--tls-key", &key]);
    assert_eq!(acquired(&server, &ours).await.expect("granted"), 2);
    let refused = acquired(&server, &theirs).await;
    assert!(refused.is_err(), "another authority is trusted: {refused:?}");
}
