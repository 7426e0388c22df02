//! The Rust client over TLS.

use apportion_client::{AcquireError, Config, Quota, Request};
use apportion_tests::process::authority::{Authority, Signed};
use apportion_tests::process::server::Server;
use rcgen::SanType;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// An authority, and a certificate for the loopback address that it signed.
fn signed(by: &str, directory: &Path) -> Signed {
    let node = SanType::DnsName("node.internal".try_into().expect("a name"));
    Authority::new(by, directory).sign("node", [SanType::IpAddress(Ipv4Addr::LOCALHOST.into()), node])
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("readable")
}

fn serve(directory: &Path, of: &Signed, flags: &[&str]) -> Server {
    let mut all = vec!["--tls-cert", &*of.certificate, "--tls-key", &*of.key];
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
    let (ours, theirs) = (signed("ours", directory.path()), signed("theirs", directory.path()));
    let server = serve(directory.path(), &ours, &[]);
    let trusting = config(&server).certificate_authority(read(&ours.ca));
    assert_eq!(acquired(trusting.clone()).await.expect("granted"), 2);
    assert_eq!(acquired(trusting.clone().server_name("node.internal")).await.expect("granted"), 2);
    let stranger = acquired(config(&server).certificate_authority(read(&theirs.ca))).await;
    assert!(stranger.is_err(), "another authority is trusted: {stranger:?}");
    let misnamed = acquired(trusting.server_name("other.internal")).await;
    assert!(misnamed.is_err(), "another name is accepted: {misnamed:?}");
}

#[tokio::test]
async fn the_rust_client_proves_its_identity_with_a_certificate() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (signed("ours", directory.path()), signed("theirs", directory.path()));
    // Somebody else has a role: without one, the server would not start.
    let roles = directory.path().join("roles.toml");
    let text = format!(
        "[tls]\nclient_ca = {:?}\n[[tls.client]]\nsan = \"ops.example.org\"\nrole = \"admin\"\n",
        ours.ca
    );
    std::fs::write(&roles, text).expect("the file is written");
    let server = serve(directory.path(), &ours, &["--config", &roles.display().to_string()]);
    let as_nobody = config(&server).certificate_authority(read(&ours.ca));
    let known = |of: &Signed| as_nobody.clone().client_certificate(read(&of.certificate), read(&of.key));
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
    let ours = signed("ours", directory.path());
    let trusting = || https().certificate_authority(read(&ours.ca));
    assert!(refused(trusting().client_certificate("no PEM", "no PEM")).starts_with("TLS:"));
    assert!(refused(trusting().server_name("not a name")).starts_with("TLS:"));
}
