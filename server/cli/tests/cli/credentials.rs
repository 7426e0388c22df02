//! Credentials: somebody can always administer, nobody comes in without one again, and who guesses is noticed and slowed down.

use crate::authority::Authority;
use crate::process::{Server, run, soon};
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use std::time::{Duration, Instant, SystemTime};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request};

const SECRET: &str = "root-secret-of-tests";
const ROOT: [(&str, &str); 1] = [("APPORTION_ADMIN_TOKEN", SECRET)];

#[test]
fn an_administrator_whose_token_ends_does_not_count_as_one() {
    let server = Server::start("", &[]);
    let told = server.run(&["token", "create", "tmp", "--role", "admin", "--ttl", "2s"]).refused();
    assert!(told.contains("NO_ADMINISTRATOR") && told.contains("without a ttl"), "{told}");
    let made = server.run(&["token", "create", "root", "--role", "admin", "--json"]).well();
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let secret = [("APPORTION_TOKEN", made["secret"].as_str().expect("a secret"))];
    let address = format!("http://{}", server.address);
    run(&address, &["token", "create", "tmp", "--role", "admin", "--ttl", "2s"], &secret).well();
    let told = run(&address, &["token", "delete", "root"], &secret).refused();
    assert!(told.contains("NO_ADMINISTRATOR"), "{told}");
}

#[test]
fn a_server_that_asked_for_a_credential_once_asks_for_one_for_good() {
    let server = Server::start("", &ROOT);
    let as_root = |server: &Server, words: &[&str]| {
        run(&format!("http://{}", server.address), words, &[("APPORTION_TOKEN", SECRET)])
    };
    as_root(&server, &["token", "create", "a", "--role", "admin"]).well();
    as_root(&server, &["token", "delete", "a"]).well();
    let server = server.restart("", &[]);
    let told = server.run(&["workspace", "list"]).refused();
    assert!(told.contains("UNAUTHENTICATED"), "{told}");
    soon(|| server.log().contains("set APPORTION_ADMIN_TOKEN"));
    let server = server.restart("", &ROOT);
    as_root(&server, &["token", "create", "b", "--role", "admin"]).well();
}

#[test]
fn a_secret_of_the_environment_that_could_be_guessed_is_refused() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_apportion"));
    let directory = tempfile::tempdir().expect("a directory");
    command.env_clear().env("APPORTION_ADMIN_TOKEN", "x").args(["serve", "--data-dir"]).arg(directory.path());
    let told = crate::process::said(&mut command).refused();
    assert!(told.contains("APPORTION_ADMIN_TOKEN: must be 16 to"), "{told}");
}

async fn channel(server: &Server) -> Channel {
    let address = format!("http://{}", server.address);
    Endpoint::from_shared(address).expect("an address").connect().await.expect("it listens")
}

/// The code of the answer to a call with that token.
async fn called(channel: &Channel, token: &str) -> Code {
    let mut request = Request::new(v1::ListWorkspacesRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("printable"));
    let answer = AdminServiceClient::new(channel.clone()).list_workspaces(request).await;
    answer.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_gets_few_answers_is_counted_and_logged_and_hinders_nobody_who_was_let_in() {
    const GUESSES: usize = 2_000;
    let server = Server::start("", &ROOT);
    let (honest, hostile) = (channel(&server).await, channel(&server).await);
    assert_eq!(called(&honest, SECRET).await, Code::Ok);
    let begun = Instant::now();
    let guesses = tokio::spawn(async move {
        let calls = (0..GUESSES).map(|number| {
            let hostile = hostile.clone();
            async move { called(&hostile, &format!("guess-{number}")).await }
        });
        futures_util::future::join_all(calls).await
    });
    let mut slowest = Duration::ZERO;
    while !guesses.is_finished() {
        let asked = Instant::now();
        assert_eq!(called(&honest, SECRET).await, Code::Ok);
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answers = guesses.await.expect("no panic");
    let looked_at = answers.iter().filter(|code| **code == Code::Unauthenticated).count();
    let seconds = begun.elapsed().as_secs() as usize;
    assert!((100..=110 + 10 * (seconds + 1)).contains(&looked_at), "{looked_at} in {seconds} s");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let metrics = tokio::task::spawn_blocking(move || {
        let count = |why: &str| {
            server.metric(&format!("apportion_refused_credentials_total{{credential=\"{why}\"}}")) as usize
        };
        (count("token"), count("unseen"), server.log())
    });
    let (wrong, unseen, log) = metrics.await.expect("no panic");
    assert_eq!((wrong, wrong + unseen), (looked_at, GUESSES));
    let lines = log.matches("a credential was refused").count();
    assert!((1..=2 + seconds / 10).contains(&lines), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_expires_opens_nothing_more_on_a_connection_that_is_open() {
    let ours = Authority::new("ours");
    let pair = ours.sign("127.0.0.1");
    let config = format!(
        "[tls]\ncert = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n[[tls.client]]\nsan = \"ops.example.org\"\nrole = \"admin\"\n",
        pair.cert,
        pair.key,
        ours.ca()
    );
    let server = Server::start(&config, &[]);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let until = i64::try_from(now).expect("small") + 2;
    let read = |path: &str| std::fs::read(path).expect("there");
    let ops = ours.sign_until_second("Ops.Example.org", until);
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&ours.ca())));
    let tls = tls.identity(Identity::from_pem(read(&ops.cert), read(&ops.key)));
    let endpoint = Endpoint::from_shared(format!("https://{}", server.address)).expect("an address");
    let channel = endpoint.tls_config(tls).expect("files").connect().await.expect("it is valid still");
    let mut admin = AdminServiceClient::new(channel);
    admin.list_workspaces(v1::ListWorkspacesRequest::default()).await.expect("it is valid still");
    let refused = loop {
        match admin.list_workspaces(v1::ListWorkspacesRequest::default()).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(status) => break status,
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        assert!(now < until.unsigned_abs() + 5, "it is taken although it has expired");
    };
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unauthenticated, "the client certificate has expired")
    );
}

/// The answer is lost to who asks first; who asks again with the same hash is told, and nobody else gets in with that name.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_token_whose_making_is_in_doubt_may_be_asked_for_again() {
    let server = Server::start("", &[]);
    let channel = channel(&server).await;
    let request = |hash: u8| v1::CreateTokenRequest {
        token_id: "root".into(),
        token: Some(v1::Token { role: v1::Role::Admin.into(), ..v1::Token::default() }),
        secret_sha256: vec![hash; 32],
        ..v1::CreateTokenRequest::default()
    };
    let made =
        AdminServiceClient::new(channel.clone()).create_token(request(7)).await.expect("made").into_inner();
    assert_eq!(made.secret, "", "the caller knows it");
    // The same again is no way in: the gate is closed now.
    let again = AdminServiceClient::new(channel).create_token(request(7)).await.expect_err("closed");
    assert_eq!(again.code(), Code::Unauthenticated);
}
