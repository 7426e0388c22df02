//! Sessions on a real etcd: keys that live as long as their process, whatever becomes of the calls that renew them.

use std::time::{Duration, Instant};

use apportion_server::store::etcd::{EtcdSettings, Followed, SeenKeys};
use apportion_server::store::{Etcd as EtcdStore, Store};
use apportion_tests::etcd::{Cut, Etcd, Proxy, until_seen};

/// A store of one cluster, through these addresses.
fn open(members: Vec<String>, etcd: &Etcd) -> EtcdStore {
    let mut settings = EtcdSettings { options: etcd.options(), cluster: "c".into() };
    settings.options.members = members;
    EtcdStore::open(&settings).expect("it opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lives_while_it_is_renewed_and_ends_with_its_process() {
    let etcd = Etcd::single().await;
    let proxy = Proxy::start(etcd.addresses().remove(0)).await;
    let direct = open(etcd.addresses(), &etcd);
    let store = open(vec![proxy.address()], &etcd);
    let mut follow = direct.follow("nodes/");
    let session = store.session("nodes/a", None, Box::new(|| b"me".to_vec())).expect("a thread");
    let is_put = |seen: &SeenKeys| matches!(seen, SeenKeys::Changed(changes) if matches!(changes[0], Followed::Put(_)));
    let is_gone = |seen: &SeenKeys| matches!(seen, SeenKeys::Changed(changes) if matches!(changes[0], Followed::Deleted(..)));
    until_seen(&mut follow, is_put).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(session.is_valid() && direct.read("nodes/a").is_ok_and(|entry| entry.is_some()), "it is renewed");

    let started = Instant::now();
    proxy.cut(Cut::Everything);
    until_seen(&mut follow, is_gone).await;
    println!("a session that is not renewed is gone after {:?}", started.elapsed());
    assert!(!session.is_valid(), "this process noticed no later than etcd");
    proxy.cut(Cut::Nothing);
    proxy.reset();
    until_seen(&mut follow, is_put).await;

    let (started, entry) =
        (Instant::now(), direct.read("nodes/a").expect("it is read").expect("it is there"));
    session.end();
    until_seen(&mut follow, is_gone).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let thief =
        direct.session("nodes/a", Some(entry.version), Box::new(|| b"you".to_vec())).expect("a thread");
    until_seen(&mut follow, is_put).await;
    let late = direct.session("nodes/a", None, Box::new(|| b"late".to_vec())).expect("a thread");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !late.is_taken() {
        assert!(Instant::now() < deadline, "the name is taken, and nobody says so");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!late.is_valid() && thief.is_valid());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_write_was_answered_by_nobody_is_taken_by_nobody() {
    let etcd = Etcd::single().await;
    let proxy = Proxy::start(etcd.addresses().remove(0)).await;
    let direct = open(etcd.addresses(), &etcd);
    let store = open(vec![proxy.address()], &etcd);
    let session = store.session("nodes/a", None, Box::new(|| b"me".to_vec())).expect("a thread");
    let wait = async |what: &str, holds: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    wait("it is valid", &|| session.is_valid()).await;
    let version = || direct.read("nodes/a").ok().flatten().map(|entry| entry.version);
    let before = version();
    proxy.cut(Cut::Answers);
    session.rewrite();
    // It arrives, and nobody says so: the next session finds a version that this process does not know.
    wait("it is written", &|| version() != before).await;
    let written = version();
    proxy.cut(Cut::Nothing);
    proxy.reset();
    wait("it is written again", &|| version() != written || session.is_taken()).await;
    assert!(!session.is_taken());
}
