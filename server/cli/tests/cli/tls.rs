//! TLS: what is refused on either side and how that is told, and who a client certificate is.

use crate::authority::{Authority, Pair};
use crate::process::{Said, Server, run, soon};
use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

const LIST: &[&str] = &["workspace", "list"];
const ROOT: &[(&str, &str)] = &[("APPORTION_ADMIN_TOKEN", "root-secret-of-tests")];
const BOUND: &str = r#"
[[tls.client]]
san = "spiffe://example.org/ops"
role = "admin"
[[tls.client]]
san = "sync.example.org"
role = "client"
scopes = ["default/sync"]
"#;

/// Settings with this pair; `more` belongs to the table of TLS.
fn settings(pair: &Pair, more: &str) -> String {
    format!("[tls]\ncert = \"{}\"\nkey = \"{}\"\n{more}\n", pair.cert, pair.key)
}

/// Runs `workspace list` over https, trusting an authority and showing a certificate.
fn list(server: &Server, trusted: &Authority, shown: Option<&Pair>, token: Option<&str>) -> Said {
    let ca = trusted.ca();
    let mut words = [LIST, &["--ca-file", &ca]].concat();
    if let Some(Pair { cert, key }) = shown {
        words.extend(["--cert-file", cert, "--key-file", key]);
    }
    let variables: Vec<_> = token.map(|token| ("APPORTION_TOKEN", token)).into_iter().collect();
    run(&format!("https://{}", server.address), &words, &variables)
}

#[test]
fn a_server_with_tls_is_reached_over_https_by_those_who_trust_its_authority() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Server::start(&settings(&ours.sign("127.0.0.1"), ""), &[]);
    assert!(list(&server, &ours, None, None).well().contains("workspaces/default"));
    let told = list(&server, &theirs, None, None).refused();
    assert!(told.contains("its certificate is not signed by a CA in --ca-file"), "{told}");
    let told = server.run(LIST).refused();
    assert!(told.contains("use https:// with --ca-file"), "{told}");
    let address = format!("https://{}", server.address);
    let of_system = |authority: &Authority| run(&address, LIST, &[("SSL_CERT_FILE", &authority.ca())]);
    assert!(of_system(&ours).well().contains("workspaces/default"), "the system trusts it");
    let told = of_system(&theirs).refused();
    assert!(told.contains("by one that the system trusts"), "{told}");
}

#[test]
fn a_server_without_tls_or_with_a_bad_certificate_is_told_apart() {
    let ours = Authority::new("ours");
    let plain = Server::start("", &[]);
    let told = list(&plain, &ours, None, None).refused();
    assert!(told.contains("it does not use TLS"), "{told}");
    let told = plain.run(&["workspace", "list", "--ca-file", &ours.ca()]).refused();
    assert!(told.contains("is not an https address"), "{told}");
    for (pair, expected) in [
        (ours.sign_until("127.0.0.1", 2020), "its certificate has expired"),
        (ours.sign("other.example.org"), "its certificate is for another host name"),
    ] {
        let server = Server::start(&settings(&pair, ""), &[]);
        let told = list(&server, &ours, None, None).refused();
        assert!(told.contains(expected) && told.lines().count() == 1, "{told}");
    }
}

#[test]
fn certificates_that_change_are_served_and_those_that_cannot_be_used_are_not() {
    let ours = Authority::new("ours");
    let served = ours.sign_until("127.0.0.1", 2020);
    let server = Server::start(&settings(&served, ""), &[]);
    let told = list(&server, &ours, None, None).refused();
    assert!(told.contains("its certificate has expired"), "{told}");
    let put = |cert: &[u8], key: &[u8]| {
        std::fs::write(&served.cert, cert).expect("it is written");
        std::fs::write(&served.key, key).expect("it is written");
    };
    let good = ours.sign("127.0.0.1");
    let read = |path: &str| std::fs::read(path).expect("it is there");
    put(&read(&good.cert), &read(&good.key));
    let changed = Instant::now();
    while list(&server, &ours, None, None).code != Some(0) {
        assert!(changed.elapsed() < Duration::from_secs(15), "the new certificate is not served");
    }
    put(b"no certificate", b"no key");
    let spoilt = Instant::now();
    while spoilt.elapsed() < Duration::from_secs(5) {
        list(&server, &ours, None, None).well();
    }
}

#[test]
fn a_certificate_of_a_client_is_asked_for_and_its_name_says_what_it_may() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let config = settings(&ours.sign("127.0.0.1"), &format!("client_ca = \"{}\"\n{BOUND}", ours.ca()));
    let server = Server::start(&config, ROOT);
    let told = list(&server, &ours, None, Some("root-secret-of-tests")).refused();
    assert!(told.contains("a client certificate"), "{told}");
    let told = list(&server, &ours, Some(&theirs.sign("spiffe://example.org/ops")), None).refused();
    assert!(told.contains("client certificate"), "{told}");
    let old = ours.sign_until("spiffe://example.org/ops", 2020);
    let told = list(&server, &ours, Some(&old), None).refused();
    assert!(told.contains("client certificate"), "{told}");
    let (ops, sync, nobody) =
        (ours.sign("spiffe://example.org/ops"), ours.sign("sync.example.org"), ours.sign("x.example.org"));
    list(&server, &ours, Some(&ops), None).well();
    let told = list(&server, &ours, Some(&sync), None).refused();
    assert!(told.contains("PERMISSION_DENIED"), "{told}");
    let told = list(&server, &ours, Some(&nobody), None).refused();
    assert!(told.contains("UNAUTHENTICATED: no name of the client certificate is bound to a role"), "{told}");
    list(&server, &ours, Some(&nobody), Some("root-secret-of-tests")).well();
    let told = list(&server, &ours, Some(&ops), Some("wrong")).refused();
    assert!(told.contains("UNAUTHENTICATED: the token is not valid"), "a token comes first: {told}");
}

#[test]
fn certificates_that_a_handshake_refuses_are_counted_and_told() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let config = settings(&ours.sign("127.0.0.1"), &format!("client_ca = \"{}\"\n{BOUND}", ours.ca()));
    let server = Server::start(&config, ROOT);
    let refused = || server.metric("apportion_refused_credentials_total{credential=\"certificate\"}");
    let name = "spiffe://example.org/ops";
    list(&server, &ours, Some(&ours.sign(name)), None).well();
    assert_eq!(refused(), 0, "one that is good counts nowhere");
    let (strange, old) = (theirs.sign(name), ours.sign_until(name, 2020));
    for shown in [None, Some(&strange), Some(&old)] {
        let before = refused();
        list(&server, &ours, shown, None).refused();
        soon(|| refused() > before);
    }
    assert!(server.log().contains("a credential was refused"), "{}", server.log());
}

#[test]
fn where_certificates_are_optional_who_has_none_needs_a_token() {
    let ours = Authority::new("ours");
    let more = format!("client_ca = \"{}\"\nclient_optional = true\n{BOUND}", ours.ca());
    let server = Server::start(&settings(&ours.sign("127.0.0.1"), &more), ROOT);
    let told = list(&server, &ours, None, None).refused();
    assert!(told.contains("UNAUTHENTICATED: missing credentials"), "{told}");
    list(&server, &ours, None, Some("root-secret-of-tests")).well();
    list(&server, &ours, Some(&ours.sign("spiffe://example.org/ops")), None).well();
}

#[test]
fn the_audit_names_the_certificate() {
    let ours = Authority::new("ours");
    let config = settings(&ours.sign("127.0.0.1"), &format!("client_ca = \"{}\"\n{BOUND}", ours.ca()));
    let server = Server::start(&config, &[]);
    let (ca, ops) = (ours.ca(), ours.sign("spiffe://example.org/ops"));
    let address = format!("https://{}", server.address);
    let variables =
        [("APPORTION_CA_FILE", &*ca), ("APPORTION_CERT_FILE", &ops.cert), ("APPORTION_KEY_FILE", &ops.key)];
    run(&address, &["team", "create", "default", "sync"], &variables).well();
    let audit = run(&address, &["audit", "--resource", "workspaces/default/teams/sync"], &variables).well();
    assert!(audit.contains("certificates/spiffe://example.org/ops"), "{audit}");
}

#[tokio::test]
async fn a_certificate_bound_to_a_team_leases_for_that_team_alone() {
    let ours = Authority::new("ours");
    let config = settings(&ours.sign("127.0.0.1"), &format!("client_ca = \"{}\"\n{BOUND}", ours.ca()));
    let server = Server::start(&config, &[]);
    let read = |path: &str| std::fs::read(path).expect("it is there");
    let (ops, sync) = (ours.sign("spiffe://example.org/ops"), ours.sign("sync.example.org"));
    let (ca, address) = (ours.ca(), format!("https://{}", server.address));
    let words = [
        "team",
        "create",
        "default",
        "sync",
        "--ca-file",
        &ca,
        "--cert-file",
        &ops.cert,
        "--key-file",
        &ops.key,
    ];
    run(&address, &words, &[]).well();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&ca)));
    let tls = tls.identity(Identity::from_pem(read(&sync.cert), read(&sync.key)));
    let endpoint = Endpoint::from_shared(address).and_then(|endpoint| endpoint.tls_config(tls));
    let channel = endpoint.expect("an address").connect().await.expect("it listens");
    let mut quota = QuotaServiceClient::new(channel);
    let mut acquire = async |team: &str| {
        let request = v1::AcquireLeaseRequest { team: team.into(), permits: Some(1), ..Default::default() };
        quota.acquire_lease(request).await.map_err(|status| status.code())
    };
    acquire("sync").await.expect("granted");
    assert_eq!(acquire("default").await.err(), Some(tonic::Code::PermissionDenied));
}

#[test]
fn files_that_cannot_be_used_are_named_in_one_line_at_the_start() {
    let ours = Authority::new("ours");
    let (pair, other) = (ours.sign("127.0.0.1"), ours.sign("other.example.org"));
    let mixed = Pair { cert: pair.cert.clone(), key: other.key };
    let told = Server::refused(&settings(&mixed, ""), "127.0.0.1:0");
    assert!(told.starts_with("apportion: tls: ") && told.contains(&mixed.key), "{told}");
    assert!(told.contains("KeyMismatch") && told.lines().count() == 1, "{told}");
    let lost = Pair { cert: pair.cert.clone(), key: format!("{}.none", pair.key) };
    let told = Server::refused(&settings(&lost, ""), "127.0.0.1:0");
    assert!(told.contains(&lost.key) && told.contains("No such file") && told.lines().count() == 1, "{told}");
    let told = Server::refused(&settings(&Pair { cert: pair.key.clone(), key: pair.key }, ""), "127.0.0.1:0");
    assert!(told.starts_with("apportion: tls: ") && told.lines().count() == 1, "{told}");
}

#[test]
fn a_server_that_strangers_could_reach_or_nobody_could_call_does_not_start() {
    let ours = Authority::new("ours");
    let pair = ours.sign("127.0.0.1");
    let told = Server::refused("", "0.0.0.0:0");
    assert!(told.contains("is not a loopback address and TLS is off"), "{told}");
    let told = Server::refused(&settings(&pair, ""), "0.0.0.0:0");
    assert!(told.contains("authentication is off"), "{told}");
    let told = Server::refused(&settings(&pair, &format!("client_ca = \"{}\"", ours.ca())), "127.0.0.1:0");
    assert!(told.contains("no caller has a role"), "{told}");
}
