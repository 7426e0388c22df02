//! Nodes of a cluster that trust an authority of their own, on an etcd with TLS, a user and a password. Whoever has no certificate of
//! that authority is no node, and nobody takes its word for who calls.

use std::time::Duration;

use apportion_proto::peer_v1::peer_service_client::PeerServiceClient;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::{peer_v1, v1};
use apportion_tests::etcd::Etcd;
use apportion_tests::process::authority::{Authority, Signed};
use apportion_tests::process::pass;
use apportion_tests::process::server::Server;
use prost::Message;
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request};

/// The password of etcd's user.
const PASSWORD: &str = "a-password-of-tests";

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).expect("readable")
}

/// A connection to a node's port for other nodes, with a certificate or without one.
async fn connect(address: &str, trusted: &Signed, own: Option<&Signed>) -> Option<Channel> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&trusted.ca)));
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(read(&own.certificate), read(&own.key)));
    }
    let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an address");
    endpoint.tls_config(tls).expect("certificates").connect().await.ok()
}

/// A call of an administrator whom the caller of the port vouches for.
async fn asserted(channel: Channel) -> Result<(), tonic::Status> {
    let caller =
        peer_v1::AssertedCaller { name: "x".into(), role: v1::Role::Admin.into(), scopes: Vec::new() };
    let mut request = Request::new(v1::ListTokensRequest::default());
    let value = MetadataValue::from_bytes(&caller.encode_to_vec());
    request.metadata_mut().insert_bin("apportion-caller-bin", value);
    AdminServiceClient::new(channel).list_tokens(request).await.map(|_| ())
}

/// Where other nodes reach the two nodes of a cluster, in order of name.
async fn peers(server: &Server) -> Vec<String> {
    let mut admin = AdminServiceClient::new(server.channel());
    loop {
        let shown = admin.get_cluster(v1::GetClusterRequest {}).await.expect("it is a node").into_inner();
        let nodes = shown.cluster.expect("it is set").nodes;
        if nodes.len() == 2 {
            return nodes.into_iter().map(|node| node.peer_address).collect();
        }
        pass(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_trust_their_own_authority_alone_and_keep_their_store_in_an_etcd_with_tls_and_a_password() {
    let home = tempfile::tempdir().expect("a directory");
    let [of_store, of_peers, foreign] =
        ["store", "peers", "foreign"].map(|name| Authority::new(name, home.path()).sign_loopback("node"));
    let mut etcd = Etcd::single().await;
    etcd.require_users("/apportion/", PASSWORD).await;
    etcd.encrypt(of_store.clone()).await;
    let password = home.path().join("password");
    std::fs::write(&password, PASSWORD).expect("written");
    let (store, password) = (etcd.url(), password.display().to_string());
    let node = |name: &str| {
        let flags = [
            ["--store", &store],
            ["--cluster", "tls"],
            ["--node", name],
            ["--peer-listen", "127.0.0.1:0"],
            ["--etcd-ca", &of_store.ca],
            ["--etcd-cert", &of_store.certificate],
            ["--etcd-key", &of_store.key],
            ["--etcd-user", "apportion"],
            ["--etcd-password-file", &password],
            ["--peer-tls-ca", &of_peers.ca],
            ["--peer-tls-cert", &of_peers.certificate],
            ["--peer-tls-key", &of_peers.key],
        ];
        Server::start_plain(flags.as_flattened())
    };
    let nodes = [node("a"), node("b")];

    // Each decides, or passes on to the other one: of both, one does not own the workspace.
    for node in &nodes {
        let request = v1::AcquireLeaseRequest::default();
        let granted = QuotaServiceClient::new(node.channel()).acquire_lease(request).await;
        granted.expect("a lease").into_inner().lease.expect("a lease");
    }
    let addresses = peers(&nodes[0]).await;
    for address in &addresses {
        let channel = connect(address, &of_peers, Some(&of_peers)).await.expect("a node is let in");
        asserted(channel.clone()).await.expect("and says who calls");
        let shown =
            PeerServiceClient::new(channel).show_workspace(peer_v1::ShowWorkspaceRequest::default()).await;
        assert_ne!(shown.err().map(|status| status.code()), Some(Code::Unimplemented));
        // Whether the handshake fails or the first call does depends on the version of TLS, and what a call finds on who is faster: a
        // connection that is being refused, or one that is closed.
        for own in [Some(&foreign), Some(&of_store), None] {
            if let Some(channel) = connect(address, &of_peers, own).await {
                let refused = asserted(channel).await.expect_err("it is no node");
                let broken = [Code::Unavailable, Code::Unknown, Code::Cancelled];
                assert!(broken.contains(&refused.code()), "{refused:?}");
            }
        }
        let plain = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let refused = match plain.connect().await {
            Ok(channel) => asserted(channel).await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "without TLS");
        assert!(
            connect(address, &foreign, Some(&of_peers)).await.is_none(),
            "and nodes are known by their authority"
        );
    }
    for node in &nodes {
        node.has_not_panicked();
    }
}
