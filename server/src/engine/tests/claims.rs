//! Two engines on one store, each of which serves what it claims.

use super::*;

/// A node that has claimed nothing yet, in a store that holds the workspace.
fn node(name: &str, store: &Arc<FaultyStore>, version: u64, clock: &Early) -> Engine {
    let settings = EngineSettings {
        node: NodeId::new(name).expect("a name"),
        horizon: Horizon::DEFAULT,
        bounds: Bounds::DEFAULT,
        shards: 4,
        serving: Serving::Claimed,
    };
    let clock = Arc::new(Clock::new(Box::new(clock.clone()), Horizon::DEFAULT.clock_error));
    let served = vec![(id(), Versioned { policy: policy(40), version })];
    Engine::start(settings, clock, Arc::clone(store) as Arc<dyn Store>, served).expect("it starts")
}

/// The two nodes `a` and `b`, as worlds.
fn two_nodes() -> (World, World) {
    let (store, clock) = (Arc::new(FaultyStore::new(1)), Early::new());
    let version = keep(&store);
    let [a, b] = ["a", "b"].map(|name| {
        let engine = node(name, &store, version, &clock);
        World { store: Arc::clone(&store), engine, clock: clock.clone() }
    });
    (a, b)
}

impl World {
    fn shard(&self) -> u16 {
        self.engine.shard_of(&id())
    }

    fn state(&self) -> ShardState {
        self.engine.shard_state(self.shard())
    }

    async fn claim(&self) -> u64 {
        self.engine.claim(self.shard());
        until("the shard is owned", || matches!(self.state(), ShardState::Owned { .. })).await;
        let ShardState::Owned { epoch } = self.state() else { panic!("{:?}", self.state()) };
        epoch
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_serves_only_what_it_claims_and_says_which_shard_another_one_would_have_to_serve() {
    let (a, _) = two_nodes();
    let (shard, unclaimed) = (a.shard(), ShardState::Unclaimed);
    assert_eq!((a.state(), a.engine.shard_count()), (unclaimed, 4));
    let elsewhere = Error::NotOwner { shard };
    assert_eq!(a.answer(a.ask("default", 1, Span::ZERO, None)).await, Err(elsewhere.clone()));
    assert_eq!(a.settle("1-1-0000000000000000", "default", 0, 1), Err(elsewhere));
    let mut changes = a.engine.shard_changes();
    assert_eq!(a.claim().await, 1);
    let mut states = Vec::new();
    while let Ok(change) = changes.try_recv() {
        assert_eq!(change.shard, shard);
        states.push(change.state);
    }
    assert_eq!(states, [ShardState::Claiming, ShardState::Owned { epoch: 1 }]);
    a.granted("default", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_wastes_nothing_and_sends_waiting_requests_on() {
    let (a, b) = two_nodes();
    a.claim().await;
    a.granted("default", 7).await;
    let waits = a.ask("other", 40, Span::from_secs(3_600), None).expect("it may wait");
    a.engine.hand_over(a.shard(), NodeId::new("b").expect("a name"));
    assert_eq!(a.answer(Ok(waits)).await, Err(Error::NotOwner { shard: a.shard() }));
    let to = NodeId::new("b").expect("a name");
    until("it is handed over", || a.state() == ShardState::HandedOver { to: to.clone(), epoch: 1 }).await;
    assert_eq!(b.claim().await, 2);
    assert_eq!(b.granted("default", 33).await.lease.left, Permits::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_deposes_the_owner_which_notices_at_its_next_write() {
    let (a, b) = two_nodes();
    a.claim().await;
    a.granted("default", 1).await;
    assert_eq!(b.claim().await, 2);
    let mut granted = 1;
    while a.answer(a.ask("default", 1, Span::from_ms(500), None)).await.is_ok() {
        granted += 1;
    }
    let owner = NodeId::new("b").ok();
    until("it is noticed", || a.state() == ShardState::Lost { owner: owner.clone(), epoch: Some(2) }).await;
    assert_eq!(
        a.answer(a.ask("default", 1, Span::ZERO, None)).await,
        Err(Error::NotOwner { shard: a.shard() })
    );
    while b.answer(b.ask("default", 1, Span::from_ms(50), None)).await.is_ok() {
        granted += 1;
    }
    assert!((20..=40).contains(&granted), "{granted} of 40 permits were granted");
    assert_eq!(b.booked(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_to_claim_or_to_hand_over_changes_nothing() {
    let (a, _) = two_nodes();
    a.engine.hand_over(a.shard(), NodeId::new("b").expect("a name"));
    a.engine.claim(4);
    a.engine.hand_over(u16::MAX, NodeId::new("b").expect("a name"));
    assert_eq!(a.claim().await, 1);
    a.engine.claim(a.shard());
    a.granted("default", 1).await;
    assert_eq!((a.state(), a.engine.shard_state(4)), (ShardState::Owned { epoch: 1 }, ShardState::Unclaimed));
}
