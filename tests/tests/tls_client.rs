//! The Rust client over TLS.

use apportion_client::{AcquireError, Config, Quota, Request};
use apportion_tests::process::server::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// A certificate authority, and a certificate for the loopback address that it signed.
struct Authority {
    /// The authority's certificate in PEM, and the file of it.
    pem: String,
    file: String,
    /// The certificate that it signed, its key, and the files of both.
    signed: [String; 2],
    files: [String; 2],
}

fn authority(name: &str, directory: &Path) -> Authority {
    let write = |end: &str, text: &str| {
        let path = directory.join(format!("{name}.{end}"));
        std::fs::write(&path, text).expect("the file is written");
        path.display().to_string()
    };
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let mut params = CertificateParams::default();
    let node = SanType::DnsName("node.internal".try_into().expect("a name"));
    params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into()), node];
    let key = KeyPair::generate().expect("a key");
    let signed = [params.signed_by(&key, &issuer).expect("signed").pem(), key.serialize_pem()];
    let files = [write("pem", &signed[0]), write("key", &signed[1])];
    Authority { file: write("ca", &issuer.pem()), pem: issuer.pem(), signed, files }
}

fn serve(directory: &Path, of: &Authority, flags: &[&str]) -> Server {
    let [cert, key] = &of.files;
    let mut all = vec!["--tls-cert", cert.as_str(), "--tls-key", key.as_str()];
    all.extend(flags);
    Server::start_with(&directory.join("data"), &all)
}

fn config(server: &Server) -> Config {
    Config::new(format!("https://{}", server.address()))
}

async fn acquired(config: Config) -> Result<u32, AcquireError> {
    let quota = Quota::connect(config).expect("a valid configuration");
    let request = Request::new().permits(2).max_wait(Duration::from_secs(5));
    let granted = quota.acquire(&request).await.map(|lease| lease.left());
    quota.close().await;
    granted
}

#[tokio::test]
async fn the_rust_client_acquires_over_tls_only_from_a_server_that_it_trusts() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (authority("ours", directory.path()), authority("theirs", directory.path()));
    let server = serve(directory.path(), &ours, &[]);
    let trusting = config(&server).certificate_authority(&*ours.pem);
    assert_eq!(acquired(trusting.clone()).await.expect("granted"), 2);
    assert_eq!(acquired(trusting.clone().server_name("node.internal")).await.expect("granted"), 2);
    let stranger = acquired(config(&server).certificate_authority(&*theirs.pem)).await;
    assert!(stranger.is_err(), "another authority is trusted: {stranger:?}");
    let misnamed = acquired(trusting.server_name("other.internal")).await;
    assert!(misnamed.is_err(), "another name is accepted: {misnamed:?}");
}

#[tokio::test]
async fn the_rust_client_proves_its_identity_with_a_certificate() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (authority("ours", directory.path()), authority("theirs", directory.path()));
    // Somebody else has a role: without one, the server would not start.
    let roles = directory.path().join("roles.toml");
    let text = format!(
        "[tls]\nclient_ca = {:?}\n[[tls.client]]\nsan = \"ops.example.org\"\nrole = \"admin\"\n",
        ours.file
    );
    std::fs::write(&roles, text).expect("the file is written");
    let server = serve(directory.path(), &ours, &["--config", &roles.display().to_string()]);
    let as_nobody = config(&server).certificate_authority(&*ours.pem);
    let known = |of: &Authority| as_nobody.clone().client_certificate(&*of.signed[0], &*of.signed[1]);
    let refused = acquired(known(&ours)).await.expect_err("its name has no role");
    assert!(matches!(refused, AcquireError::Refused { .. }), "the server knows who it is: {refused}");
    for stranger in [as_nobody.clone(), known(&theirs)] {
        let refused = acquired(stranger).await.expect_err("no connection");
        assert!(matches!(refused, AcquireError::Unreachable(_)), "{refused}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_tls_is_said_when_the_client_is_configured() {
    let refused = |config: Config| Quota::connect(config).expect_err("it is refused").to_string();
    let https = || Config::new("https://127.0.0.1:7420");
    assert!(refused(https()).contains("certificate authority"));
    assert!(refused(https().certificate_authority("no PEM")).starts_with("TLS:"));
    let directory = tempfile::tempdir().expect("a directory");
    let ours = authority("ours", directory.path());
    let trusting = || https().certificate_authority(&*ours.pem);
    assert!(refused(trusting().client_certificate("no PEM", "no PEM")).starts_with("TLS:"));
    assert!(refused(trusting().server_name("not a name")).starts_with("TLS:"));
}
