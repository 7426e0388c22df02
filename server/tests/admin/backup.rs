//! Backups over gRPC: who may take one, what comes, and what the audit says of it.

use crate::served::{Served, client_token, reason};
use apportion_proto::v1;
use apportion_proto::v1::backup_store_response::Part;
use apportion_server::store::{Embedded, backup};
use sha2::{Digest, Sha256};

/// All chunks put together, and what the end says of them.
async fn taken(served: &Served) -> (Vec<u8>, v1::BackupEnd) {
    let answer = served.admin().backup_store(v1::BackupStoreRequest {}).await.expect("allowed");
    let (mut parts, mut file) = (answer.into_inner(), Vec::new());
    loop {
        let message = parts.message().await.expect("it goes on").expect("the end comes before the stream's");
        match message.part.expect("one is set") {
            Part::Chunk(chunk) => {
                assert!((1..=65_536).contains(&chunk.len()), "{}", chunk.len());
                file.extend(chunk);
            }
            Part::End(end) => {
                assert_eq!(parts.message().await.expect("it ends well"), None, "the end comes last");
                return (file, end);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_and_in_the_audit_and_nothing_of_it_stays_behind() {
    let served = Served::start().await;
    served.admin().create_token(client_token("before")).await.expect("made");
    let before = served.files();
    taken(&served).await;
    let (file, end) = taken(&served).await;
    assert_eq!(served.files(), before);
    assert_eq!(end.size_bytes, u64::try_from(file.len()).expect("small"));
    assert_eq!(end.sha256, Sha256::digest(&file).to_vec());
    let audit = served.audit("store").await;
    let told: Vec<_> =
        audit.iter().map(|entry| (&*entry.actor, &*entry.method, entry.changes.len())).collect();
    assert_eq!(told, [("tokens/environment", "BackupStore", 0); 2]);
    let directory = tempfile::tempdir().expect("a directory");
    let (copy, data) = (directory.path().join("copy"), directory.path().join("data"));
    std::fs::write(&copy, &file).expect("written");
    backup::restore(&copy, &data, false).expect("it is a store");
    let catalog = apportion_server::store::catalog::Catalog::new(
        std::sync::Arc::new(Embedded::open(&data).expect("opened")),
        1_000,
    );
    assert!(catalog.token("before").expect("readable").is_some());
    assert_eq!(catalog.audit(None, 1).expect("readable")[0].1.method, "BackupStore");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_takes_a_backup_and_who_is_refused_leaves_no_entry() {
    let served = Served::start().await;
    let mut observer = client_token("observer");
    observer.token.as_mut().expect("set above").role = v1::Role::Observer.into();
    for request in [client_token("client"), observer] {
        let made = served.admin().create_token(request).await.expect("made").into_inner();
        let answer = served.admin_as(&made.secret).backup_store(v1::BackupStoreRequest {}).await;
        assert_eq!(answer.as_ref().err().map(tonic::Status::code), Some(tonic::Code::PermissionDenied));
        assert_eq!(reason(answer), "PERMISSION_DENIED");
    }
    let answer = served.admin_as("a guess").backup_store(v1::BackupStoreRequest {}).await;
    assert_eq!(reason(answer), "UNAUTHENTICATED");
    assert_eq!(served.audit("store").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_backup_is_sent_another_is_refused_and_its_turn_comes_when_the_reader_is_gone() {
    let served = Served::start().await;
    // Enough that the connection and what is read ahead do not hold all of it.
    let scope = v1::Scope { workspace: "w".repeat(63), team: "t".repeat(63) };
    for number in 0..40 {
        let mut request = client_token(&format!("token-{number}"));
        request.token.as_mut().expect("set above").scopes = vec![scope.clone(); 64];
        served.admin().create_token(request).await.expect("made");
    }
    let mut slow = served.narrow_admin().await;
    let unread = slow.backup_store(v1::BackupStoreRequest {}).await.expect("allowed");
    let second = served.admin().backup_store(v1::BackupStoreRequest {}).await;
    assert_eq!(reason(second), "SERVER_FULL");
    let second = tokio::spawn({
        let mut admin = served.admin();
        async move { admin.backup_store(v1::BackupStoreRequest {}).await }
    });
    drop(unread);
    second.await.expect("it does not panic").expect("its turn comes");
}
