//! The store of a cluster on a real etcd: transactions, lost answers, members that die, compaction, users, TLS, restored backups.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use apportion_etcd::Login;
use apportion_server::store::etcd::{EtcdSettings, Followed, SeenKeys};
use apportion_server::store::{CommitOutcome, Etcd as EtcdStore, Store, StoreError, Transaction, record};
use apportion_tests::etcd::{Cut, Etcd, EtcdShape, Proxy, Restored, until_seen};
use apportion_tests::process::authority::Authority;

/// The store of a cluster in this etcd.
fn open(etcd: &Etcd, cluster: &str) -> EtcdStore {
    EtcdStore::open(&settings(etcd, cluster)).expect("it opens")
}

fn settings(etcd: &Etcd, cluster: &str) -> EtcdSettings {
    EtcdSettings { options: etcd.options(), cluster: cluster.into() }
}

/// A transaction that writes one key.
fn put(key: &str, value: &[u8], expected: Option<u64>) -> Transaction {
    let (expect, puts) = (vec![(key.into(), expected)], vec![(key.into(), value.to_vec())]);
    Transaction { expect, puts, ..Transaction::default() }
}

fn commit(store: &EtcdStore, transaction: Transaction) -> CommitOutcome {
    store.commit(vec![transaction]).pop().expect("one outcome")
}

fn version(outcome: &CommitOutcome) -> u64 {
    match outcome {
        CommitOutcome::Done(version) => *version,
        outcome => panic!("{outcome:?}"),
    }
}

fn keys(store: &EtcdStore, prefix: &str, after: Option<&str>, most: usize) -> Vec<String> {
    let found = store.scan(prefix, after, most).expect("it is read");
    found.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_carried_out_as_a_store_promises_and_clusters_are_apart() {
    let etcd = Etcd::single().await;
    let (blue, red) = (open(&etcd, "blue"), open(&etcd, "blue2"));
    assert!(blue.is_new() && red.is_new() && !open(&etcd, "blue").is_new());
    assert_eq!((blue.shards(), open(&etcd, "blue").incarnation()), (64, blue.incarnation()));
    assert_ne!(blue.incarnation(), red.incarnation());

    let first = version(&commit(&blue, put("a/1", b"one", None)));
    assert_eq!(commit(&blue, put("a/1", b"two", None)), CommitOutcome::Conflict);
    let second = version(&commit(&blue, put("a/1", b"two", Some(first))));
    assert!(second > first);
    let entry = blue.read("a/1").expect("it is read").expect("it is there");
    assert_eq!((entry.key.as_str(), entry.value.as_slice(), entry.version), ("a/1", &b"two"[..], second));
    assert_eq!(red.read("a/1"), Ok(None));

    let incarnation = blue.incarnation().expect("it is read");
    let of_history = |incarnation| Transaction { incarnation: Some(incarnation), ..put("a/2", b"x", None) };
    assert_eq!(commit(&blue, of_history(incarnation ^ 1)), CommitOutcome::Conflict);
    version(&commit(&blue, of_history(incarnation)));
    // Several keys together or not at all, and one key that is written and deleted is written.
    let both = Transaction {
        expect: vec![("a/1".into(), Some(second)), ("a/3".into(), Some(7))],
        deletes: vec!["a/1".into()],
        ..Transaction::default()
    };
    assert_eq!(commit(&blue, both), CommitOutcome::Conflict);
    let moved = Transaction {
        puts: vec![("b".into(), b"1".to_vec()), ("b".into(), Vec::new())],
        deletes: vec!["a/1".into(), "b".into(), "absent".into()],
        ..Transaction::default()
    };
    let moved = version(&commit(&blue, moved));
    assert_eq!(
        blue.read("b").expect("it is read").map(|entry| (entry.value, entry.version)),
        Some((vec![], moved))
    );
    assert_eq!(keys(&blue, "a/", None, 10), ["a/2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_store_has_a_claim_for_every_shard_so_that_no_backup_lacks_one() {
    let etcd = Etcd::single().await;
    let store = open(&etcd, "c");
    let incarnation = store.incarnation().expect("it is read");
    for shard in 0..store.shards() {
        let entry = store.read(&record::claim_key(shard)).expect("it is read").expect("it is there");
        let claim = record::decode_claim(&entry.value).expect("a claim");
        assert_eq!((claim.owner.as_str(), claim.epoch, claim.incarnation), ("nobody", 1, incarnation));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_are_in_order_and_as_long_as_they_may_be_and_too_large_a_write_is_refused() {
    let etcd = Etcd::single().await;
    let store = open(&etcd, "c");
    let numbers: Vec<_> = (0..2_500).map(|number| format!("k/{number:05}")).collect();
    let transactions = numbers.chunks(100).map(|chunk| Transaction {
        puts: chunk.iter().map(|key| (key.clone(), b"v".to_vec())).collect(),
        ..Transaction::default()
    });
    let outcomes = store.commit(transactions.collect());
    let versions: BTreeSet<_> = outcomes.iter().map(version).collect();
    assert_eq!(versions.len(), 25, "each transaction has a version of its own");
    version(&commit(&store, put("k0", b"beside", None)));
    assert_eq!(keys(&store, "k/", None, usize::MAX), numbers);
    assert_eq!(keys(&store, "k/", Some("k/00009"), 3), numbers[10..13]);
    assert_eq!(keys(&store, "k/", Some("a"), 1), numbers[..1]);
    assert_eq!(keys(&store, "k/", Some("z"), 1), [""; 0]);
    assert_eq!(keys(&store, "k/", None, 0), [""; 0]);

    version(&commit(&store, put("large", &vec![7; 1 << 20], None)));
    assert_eq!(store.read("large").expect("it is read").map(|entry| entry.value.len()), Some(1 << 20));
    // etcd's own bound is 1.5 MiB.
    let told = commit(&store, put("larger", &vec![7; 1_900_000], None));
    assert!(
        matches!(&told, CommitOutcome::Refused(StoreError::Etcd(why)) if why.contains("too large")),
        "{told:?}"
    );
    assert_eq!(store.read("larger"), Ok(None));
    let many = Transaction {
        expect: (0..129).map(|number| (format!("x/{number}"), None)).collect(),
        ..Transaction::default()
    };
    let refused = StoreError::TooManyKeys { count: 129, most: 128 };
    assert_eq!(commit(&store, many), CommitOutcome::Refused(refused));
}

/// Reads until an answer comes: the first calls may still meet a connection that was reset.
fn reconnect(store: &EtcdStore) {
    let mut reads = std::iter::repeat_with(|| store.read("k")).take(20);
    assert!(reads.any(|read| read.is_ok()), "no connection comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_unknown_and_the_write_is_never_sent_again() {
    let etcd = Etcd::single().await;
    let proxy = Proxy::start(etcd.addresses().remove(0)).await;
    let mut settings = settings(&etcd, "c");
    settings.options.members = vec![proxy.address()];
    settings.options.call_timeout = Duration::from_millis(500);
    let (store, direct) = (EtcdStore::open(&settings).expect("it opens"), open(&etcd, "c"));
    let mut expected = None;
    for round in 0..5_u8 {
        proxy.cut(Cut::Answers);
        let told = commit(&store, put("k", &[round], expected));
        assert!(matches!(told, CommitOutcome::Unknown(_)), "{told:?}");
        proxy.cut(Cut::Nothing);
        proxy.reset();
        reconnect(&store);
        let entry = direct.read("k").expect("it is read").expect("the request had arrived");
        assert_eq!(entry.value, [round]);
        assert!(expected < Some(entry.version));
        // The same compare-and-swap cannot happen twice.
        assert_eq!(commit(&store, put("k", b"again", expected)), CommitOutcome::Conflict);
        expected = Some(entry.version);
    }
    assert!(proxy.has_lost_an_answer());
    proxy.cut(Cut::Everything);
    let told = commit(&store, put("k", b"lost", expected));
    assert!(matches!(told, CommitOutcome::Unknown(_)), "{told:?}");
    assert!(store.read("k").is_err() && store.incarnation().is_err() && store.reopen().is_err());
    proxy.cut(Cut::Nothing);
    proxy.reset();
    // The first tries may still meet the connection that was reset.
    let mut tries = std::iter::repeat_with(|| store.reopen()).take(5);
    assert!(tries.any(|reopened| reopened.is_ok()), "the store is not reopened");
    let entry = store.read("k").expect("it is read").expect("it is there");
    assert_eq!(Some(entry.version), expected, "the request had not arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_nobody_listens_at_is_left_and_what_cannot_be_sent_is_refused() {
    let mut etcd = Etcd::single().await;
    let mut settings = settings(&etcd, "c");
    settings.options.members.insert(0, "127.0.0.1:1".into());
    let store = EtcdStore::open(&settings).expect("it opens");
    version(&commit(&store, put("k", b"1", None)));
    etcd.kill(0);
    let told = commit(&store, put("k", b"2", None));
    assert!(matches!(told, CommitOutcome::Refused(_) | CommitOutcome::Unknown(_)), "{told:?}");
    let told = commit(&store, put("k", b"2", None));
    let CommitOutcome::Refused(StoreError::Etcd(why)) = &told else { panic!("{told:?}") };
    assert!(why.contains("no member of etcd can be reached"), "{why}");
    etcd.start_again(0);
    etcd.answers().await;
    assert_eq!(store.read("k").expect("it is read").map(|entry| entry.value), Some(b"1".to_vec()));
}

/// Writes until that succeeds. Returns how long that took, and the version.
fn write_on(store: &EtcdStore, key: &str, most: Duration) -> (Duration, u64) {
    let started = Instant::now();
    loop {
        let expected = store.read(key).map(|entry| entry.map(|entry| entry.version));
        let told = expected.map(|expected| commit(store, put(key, b"x", expected)));
        if let Ok(CommitOutcome::Done(version)) = told {
            return (started.elapsed(), version);
        }
        assert!(started.elapsed() < most, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_after_the_leader_died_and_stop_while_there_is_no_quorum() {
    let mut etcd = Etcd::three().await;
    let store = open(&etcd, "c");
    let (_, before) = write_on(&store, "k", Duration::from_secs(5));
    let leader = etcd.leader().await;
    etcd.kill(leader);
    let (took, after) = write_on(&store, "k", Duration::from_secs(20));
    println!("a write after the leader was killed: {took:?}");
    assert!(after > before);

    let other = (leader + 1) % 3;
    etcd.pause(other);
    let told = commit(&store, put("k", b"no quorum", Some(after)));
    assert!(!matches!(told, CommitOutcome::Done(_) | CommitOutcome::Conflict), "{told:?}");
    assert!(store.read("k").is_err(), "a read is confirmed by a quorum, or fails");
    etcd.go_on(other);
    let (took, _) = write_on(&store, "k", Duration::from_secs(20));
    println!("a write after the quorum was back: {took:?}");
    etcd.start_empty(leader).await;
    let third = (leader + 2) % 3;
    etcd.answers().await;
    etcd.kill(third);
    let (took, _) = write_on(&store, "k", Duration::from_secs(30));
    println!("a write with a member that came back from an empty disk: {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_sees_every_change_and_lists_again_after_a_compaction_that_it_missed() {
    let etcd = Etcd::single().await;
    let proxy = Proxy::start(etcd.addresses().remove(0)).await;
    let direct = open(&etcd, "c");
    version(&commit(&direct, put("n/a", b"1", None)));
    let mut settings = settings(&etcd, "c");
    settings.options.members = vec![proxy.address()];
    let store = EtcdStore::open(&settings).expect("it opens");
    let mut follow = store.follow("n/");
    let listed = until_seen(&mut follow, |_| true).await;
    assert!(matches!(&listed, SeenKeys::Listed(entries, _) if entries.len() == 1), "{listed:?}");
    let put_b = version(&commit(&direct, put("n/b", b"2", None)));
    version(&commit(&direct, put("m/c", b"elsewhere", None)));
    let gone =
        version(&commit(&direct, Transaction { deletes: vec!["n/a".into()], ..Transaction::default() }));
    let mut changes = Vec::new();
    while changes.len() < 2 {
        let SeenKeys::Changed(more) = until_seen(&mut follow, |_| true).await else {
            panic!("it was listed again")
        };
        changes.extend(more);
    }
    assert!(matches!(&changes[0], Followed::Put(entry) if entry.key == "n/b" && entry.version == put_b));
    assert_eq!(changes[1], Followed::Deleted("n/a".into(), gone));
    // Reports of progress keep it from being silent, though nothing changes.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(follow.silence() < Duration::from_secs(2), "{:?}", follow.silence());

    proxy.cut(Cut::Everything);
    version(&commit(&direct, put("n/d", b"3", None)));
    version(&commit(&direct, put("n/e", b"4", None)));
    etcd.compact().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(follow.silence() > Duration::from_secs(2), "{:?}", follow.silence());
    proxy.cut(Cut::Nothing);
    proxy.reset();
    let listed = until_seen(&mut follow, |seen| matches!(seen, SeenKeys::Listed(..))).await;
    let SeenKeys::Listed(entries, _) = listed else { panic!("{listed:?}") };
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["n/b", "n/d", "n/e"]);
}

/// Writes a few more keys than before, so that the revision is higher than when the backup was made.
fn advance(store: &EtcdStore, from: u64, to: u64) {
    for number in from..to {
        version(&commit(store, put(&format!("filler/{number}"), b"x", None)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_another_history_for_running_nodes_and_for_later_ones() {
    for how in [Restored::AsNewCluster, Restored::AsSameCluster] {
        let mut etcd = Etcd::single().await;
        let (one, two) = (open(&etcd, "c"), open(&etcd, "c"));
        let before = one.incarnation().expect("it is read");
        let kept = version(&commit(&one, put("k", b"kept", None)));
        etcd.snapshot().await;
        advance(&one, 0, 50);
        advance(&two, 50, 60);
        etcd.restore(how).await;
        // A write under the history that is gone is no success, whoever makes it, whether he has noticed or not.
        let stale = || Transaction { incarnation: Some(before), ..put("k", b"stale", Some(kept)) };
        let told = commit(&two, stale());
        assert!(matches!(told, CommitOutcome::Unknown(_)), "{how:?}: {told:?}");
        assert!(two.look().is_err());
        assert_eq!(two.reopen(), Ok(()));
        let after = two.incarnation().expect("it is read");
        assert_ne!(after, before, "{how:?}");
        for store in [&one, &two, &open(&etcd, "c")] {
            let told = commit(store, stale());
            assert!(!matches!(told, CommitOutcome::Done(_)), "{how:?}: {told:?}");
        }
        one.reopen().expect("it is opened again");
        let now = one.incarnation().expect("it is read");
        assert_ne!(now, before);
        assert_eq!((two.incarnation(), open(&etcd, "c").incarnation()), (Ok(now), Ok(now)), "{how:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_after_a_restore_as_a_new_cluster_notices_it_alone() {
    let mut etcd = Etcd::single().await;
    let before = open(&etcd, "c").incarnation().expect("it is read");
    etcd.snapshot().await;
    etcd.restore(Restored::AsNewCluster).await;
    let store = open(&etcd, "c");
    let after = store.incarnation().expect("it is read");
    assert_ne!(after, before);
    assert_eq!((store.is_new(), open(&etcd, "c").incarnation()), (false, Ok(after)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_etcd_refuses_writes_with_what_to_do_and_is_still_read() {
    let shape = EtcdShape { flags: vec!["--quota-backend-bytes=4000000".into()], ..EtcdShape::default() };
    let etcd = Etcd::start(shape).await;
    let store = open(&etcd, "c");
    let full = (0..20).map(|number| commit(&store, put(&format!("k/{number}"), &vec![0; 1 << 20], None)));
    let full = full.collect::<Vec<_>>().into_iter().find(|told| !matches!(told, CommitOutcome::Done(_)));
    let Some(CommitOutcome::Refused(StoreError::Full(why))) = &full else { panic!("{full:?}") };
    assert!(why.contains("NOSPACE") && why.contains("defragment"), "{why}");
    assert!(store.read("k/0").is_ok_and(|entry| entry.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_logs_in_again_when_its_token_is_over_and_sees_nothing_beyond_its_prefix() {
    let flags = ["--auth-token=simple", "--auth-token-ttl=1"].map(String::from).to_vec();
    let mut etcd = Etcd::start(EtcdShape { flags, ..EtcdShape::default() }).await;
    etcd.require_users("/apportion/c/", "secret").await;
    let store = open(&etcd, "c");
    let mut follow = store.follow("k");
    until_seen(&mut follow, |_| true).await;
    let first = version(&commit(&store, put("k", b"1", None)));
    // Longer than a token lives that is not used.
    tokio::time::sleep(Duration::from_secs(4)).await;
    version(&commit(&store, put("k", b"2", Some(first))));
    until_seen(&mut follow, |seen| matches!(seen, SeenKeys::Changed(changes) if matches!(&changes[..], [.., Followed::Put(entry)] if entry.value == b"2"))).await;
    let elsewhere = EtcdStore::open(&settings(&etcd, "d")).expect_err("it may not");
    assert!(elsewhere.to_string().contains("permission denied"), "{elsewhere}");
    let mut wrong = settings(&etcd, "c");
    wrong.options.login = Some(Login { user: "apportion".into(), password: "guess".into() });
    let told = EtcdStore::open(&wrong).expect_err("it may not");
    assert!(told.to_string().contains("invalid user ID or password"), "{told}");
    wrong.options.login = None;
    let told = EtcdStore::open(&wrong).expect_err("it may not");
    assert!(told.to_string().contains("user name is empty"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_client_certificates_is_required_where_etcd_requires_it() {
    let home = tempfile::tempdir().expect("a directory");
    let tls = Authority::new("store", home.path()).sign_loopback("node");
    let etcd = Etcd::start(EtcdShape { tls: Some(tls), ..EtcdShape::default() }).await;
    let store = open(&etcd, "c");
    version(&commit(&store, put("k", b"1", None)));
    let mut without = settings(&etcd, "c");
    without.options.tls.as_mut().expect("it is on").identity = None;
    assert!(EtcdStore::open(&without).is_err());
    without.options.tls = None;
    assert!(EtcdStore::open(&without).is_err());
    without.options.tls = etcd.options().tls;
    without.options.tls.as_mut().expect("it is on").ca = "/does/not/exist".into();
    let told = EtcdStore::open(&without).expect_err("there is no CA");
    assert!(told.to_string().contains("/does/not/exist"), "{told}");
}
