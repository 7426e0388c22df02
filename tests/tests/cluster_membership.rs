//! Nodes of a cluster on a real etcd: who owns which shard, and what happens when a node joins, drains, leaves, or loses etcd.
//! What serves the shards is simulated; claims and hand-overs are compare-and-swap in the store, as they are by the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apportion_core::ids::NodeId;
use apportion_core::ledger::Claim;
use apportion_core::time::Span;
use apportion_server::clock::{Clock, Machine};
use apportion_server::membership::{
    Membership, MembershipError, MembershipSettings, OwnerTable, Served, ShardServer,
};
use apportion_server::owners::{Owners, Route};
use apportion_server::store::etcd::EtcdSettings;
use apportion_server::store::{CommitOutcome, Etcd as EtcdStore, Store, Transaction, record};
use apportion_tests::etcd::{Cut, Etcd, Proxy};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Longest time until a cluster has settled.
const SETTLED: Duration = Duration::from_secs(30);

/// Serves shards without permits.
#[derive(Debug)]
struct Server {
    me: NodeId,
    store: Arc<EtcdStore>,
    served: Mutex<BTreeMap<u16, Served>>,
    changed: watch::Sender<u64>,
}

impl Server {
    fn set(&self, shard: u16, served: Served) {
        self.served.lock().expect("no panic").insert(shard, served);
        self.changed.send_modify(|number| *number += 1);
    }

    /// Writes the record of a shard for its next owner. Returns its epoch, if it was written.
    fn write(&self, shard: u16, to: NodeId, raise: u64) -> Option<u64> {
        let (key, entry) = (record::claim_key(shard), self.store.read(&record::claim_key(shard)).ok()?);
        let epoch =
            entry.as_ref().map_or(0, |entry| record::decode_claim(&entry.value).expect("a claim").epoch)
                + raise;
        let claim = Claim { epoch, ..Claim::first(to, 1, 1) };
        let write = Transaction {
            expect: vec![(key.clone(), entry.map(|entry| entry.version))],
            puts: vec![(key, record::encode_claim(&claim))],
            ..Transaction::default()
        };
        let told = self.store.commit(vec![write]).pop();
        matches!(told, Some(CommitOutcome::Done(_))).then_some(epoch)
    }
}

/// What the engine is to the campaign.
#[derive(Clone, Debug)]
struct Shared(Arc<Server>);

impl ShardServer for Shared {
    fn count(&self) -> u16 {
        self.0.store.shards()
    }

    fn claim(&self, shard: u16) {
        let server = Arc::clone(&self.0);
        server.set(shard, Served::Claiming);
        tokio::task::spawn_blocking(move || {
            let epoch = server.write(shard, server.me.clone(), 1);
            server.set(shard, epoch.map_or(Served::Not, Served::Owned));
        });
    }

    fn hand_over(&self, shard: u16, to: NodeId) {
        let server = Arc::clone(&self.0);
        server.set(shard, Served::Leaving);
        tokio::task::spawn_blocking(move || {
            server.write(shard, to, 0);
            server.set(shard, Served::Not);
        });
    }

    fn deposed(&self, shard: u16, _by: NodeId, _epoch: u64) {
        self.0.set(shard, Served::Not);
    }

    fn served(&self, shard: u16) -> Served {
        self.0.served.lock().expect("no panic").get(&shard).copied().unwrap_or_default()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }
}

struct Node {
    membership: Membership,
    owners: Arc<OwnerTable>,
    server: Shared,
    _listener: TcpListener,
}

impl Node {
    async fn join(etcd: &Etcd, cluster: &str, name: &str) -> Result<Self, MembershipError> {
        Self::join_through(EtcdSettings { options: etcd.options(), cluster: cluster.into() }, name).await
    }

    async fn join_through(settings: EtcdSettings, name: &str) -> Result<Self, MembershipError> {
        let store = Arc::new(EtcdStore::open(&settings).expect("it opens"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let me = NodeId::new(name).expect("a name");
        let settings = MembershipSettings {
            node: me.clone(),
            client_address: address.clone(),
            peer_address: address,
            clock_error_ms: 100,
            clock: Arc::new(Clock::new(Box::new(Machine), Span::from_ms(100))),
        };
        let server = Server {
            me,
            store: Arc::clone(&store),
            served: Mutex::default(),
            changed: watch::Sender::new(0),
        };
        let server = Shared(Arc::new(server));
        let membership = Membership::start(&Handle::current(), &store, &settings, Arc::new(server.clone()))?;
        Ok(Self { owners: membership.owners(), membership, server, _listener: listener })
    }

    fn owned(&self) -> usize {
        (0..64).filter(|&shard| matches!(self.owners.route(shard), Route::Local { .. })).count()
    }
}

/// Waits until something holds.
async fn until(what: &str, most: Duration, holds: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < most, "{what}: not after {most:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// Whether every shard has one owner, and all nodes agree who that is.
fn is_settled(nodes: &[&Node]) -> bool {
    (0..64).all(|shard| {
        let routes: Vec<_> = nodes.iter().map(|node| node.owners.route(shard)).collect();
        let here = routes.iter().filter(|route| matches!(route, Route::Local { .. })).count();
        let epochs = routes.iter().map(|route| match route {
            Route::Local { epoch } => *epoch,
            Route::Peer(owner) => owner.epoch,
            Route::Nobody => 0,
        });
        let epochs: std::collections::BTreeSet<_> = epochs.collect();
        here == 1 && epochs.len() == 1 && !epochs.contains(&0)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_the_shards_give_them_away_when_they_drain_and_take_them_when_one_leaves() {
    let etcd = Etcd::single().await;
    let a = Node::join(&etcd, "c", "a").await.expect("it joins");
    let took = until("one node has all", SETTLED, || a.owned() == 64).await;
    println!("one node owned 64 shards after {took:?}");
    let b = Node::join(&etcd, "c", "b").await.expect("it joins");
    let c = Node::join(&etcd, "c", "c").await.expect("it joins");
    let spread = || [&a, &b, &c].map(Node::owned);
    let even = || is_settled(&[&a, &b, &c]) && spread().into_iter().all(|owned| owned >= 12);
    let took = until("the shards are spread", SETTLED, even).await;
    println!("three nodes shared them after {took:?}: {:?}", spread());
    // Nodes of another cluster take no part.
    let other = Node::join(&etcd, "c2", "a").await.expect("the name is free there");
    until("the other cluster has its own", SETTLED, || other.owned() == 64).await;
    assert!(is_settled(&[&a, &b, &c]));

    let started = Instant::now();
    b.membership.drain(SETTLED).await;
    println!("a node was drained in {:?}", started.elapsed());
    assert_eq!(b.owned(), 0);
    until("the others have it", SETTLED, || a.owned() + c.owned() == 64 && is_settled(&[&a, &b, &c])).await;
    b.membership.undrain();
    until("it takes part again", SETTLED, || b.owned() >= 12 && is_settled(&[&a, &b, &c])).await;

    let c_had = c.owned();
    tokio::task::block_in_place(|| c.membership.leave());
    let took = until("what it had is taken", SETTLED, || is_settled(&[&a, &b])).await;
    println!("{c_had} shards of a node that left were taken after {took:?}");
    assert!(a.owned() < 64 && b.owned() < 64);
    drop(c.server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_from_etcd_loses_its_shards_and_gets_them_back() {
    let etcd = Etcd::single().await;
    let proxy = Proxy::start(etcd.addresses().remove(0)).await;
    let mut through = EtcdSettings { options: etcd.options(), cluster: "c".into() };
    through.options.members = vec![proxy.address()];
    let a = Node::join_through(through, "a").await.expect("it joins");
    let b = Node::join(&etcd, "c", "b").await.expect("it joins");
    until("both have some", SETTLED, || is_settled(&[&a, &b]) && a.owned().min(b.owned()) >= 20).await;
    proxy.cut(Cut::Everything);
    let took = until("the other one has all", SETTLED, || b.owned() == 64).await;
    println!("the shards of a node without etcd were taken after {took:?}");
    proxy.cut(Cut::Nothing);
    proxy.reset();
    let both = || (0..64).filter(|&shard| matches!(b.owners.route(shard), Route::Peer(_))).count() >= 20;
    until("some are handed back", SETTLED, both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_a_living_process_bears_is_refused() {
    let etcd = Etcd::single().await;
    let first = Node::join(&etcd, "c", "a").await.expect("it joins");
    until("it owns something", SETTLED, || first.owned() > 0).await;
    let refused = Node::join(&etcd, "c", "a").await.err().expect("the name is in use");
    assert!(refused.to_string().contains("is the node \"a\": give each node a name of its own"), "{refused}");
    tokio::task::block_in_place(|| first.membership.leave());
    let again = Node::join(&etcd, "c", "a").await.expect("it is free now");
    until("it takes over what the former one had", SETTLED, || again.owned() == 64).await;
}
