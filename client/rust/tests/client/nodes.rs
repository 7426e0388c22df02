//! Several nodes: which one is called, which hints are followed, and which connections are given up.

use crate::fake::{Answer, Fake};
use apportion_client::{AcquireError, Config, Fallback, Quota, Request};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(30);

fn connect(config: Config) -> Quota {
    Quota::connect(config).expect("a configuration")
}

async fn granting() -> Fake {
    Fake::start([]).await.otherwise(Answer::as_requested(LONG))
}

/// The address of a listener that accepts connections and never answers.
async fn silence() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    (format!("http://{}", listener.local_addr().expect("an address")), listener)
}

#[tokio::test]
async fn when_a_node_is_gone_the_next_address_is_called() {
    let fake = granting().await;
    let quota = connect(Config::new(Fake::nobody().await).address(Fake::nobody().await).address(fake.url()));
    let request = Request::new().max_wait(Duration::from_secs(5));
    let start = Instant::now();
    drop(quota.acquire(&request).await.expect("the third node answers"));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    quota.close().await;
    assert_eq!(fake.settles().len(), 1, "reports go there too");
}

#[tokio::test]
async fn when_a_node_is_silent_the_next_address_is_called() {
    let (url, _listener) = silence().await;
    let fake = granting().await;
    let quota = connect(Config::new(url).address(fake.url()));
    let request = Request::new().max_wait(Duration::from_secs(1));
    let first = quota.acquire(&request).await.expect_err("nobody answers");
    assert!(matches!(first, AcquireError::Unreachable(_)), "{first}");
    assert!(quota.acquire(&request).await.is_ok(), "the next node is called");
}

#[tokio::test]
async fn a_silent_node_keeps_no_call_beyond_its_wait() {
    let (url, _listener) = silence().await;
    let share = Fallback::Share { permits: 10, window: LONG };
    for fallback in [Fallback::Deny, share] {
        let quota = connect(Config::new(&url).fallback(fallback));
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            let quota = quota.clone();
            calls.spawn(async move {
                let start = Instant::now();
                let result = quota.acquire(&Request::new().max_wait(Duration::from_secs(1))).await;
                (start.elapsed(), result.is_ok())
            });
        }
        for (took, is_granted) in calls.join_all().await {
            assert!(took >= Duration::from_millis(900) && took < Duration::from_millis(1_900), "{took:?}");
            assert_eq!(is_granted, fallback == share);
        }
    }
}

#[tokio::test]
async fn the_node_that_is_named_is_called_with_the_same_request() {
    let owner = granting().await;
    let other = Fake::start([Answer::not_owner().naming(owner.host())]).await;
    let quota = connect(Config::new(other.url()).token("secret"));
    let start = Instant::now();
    drop(quota.acquire(&Request::new()).await.expect("the owner grants"));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(quota.acquire(&Request::new()).await.expect("the owner grants"));
    assert_eq!((other.acquires().len(), owner.acquires().len()), (1, 2));
    assert_eq!(other.acquires()[0].request_id, owner.acquires()[0].request_id);
    quota.close().await;
    assert_eq!(owner.settles().len(), 2);
}

#[tokio::test]
async fn a_node_that_answers_for_another_moves_later_calls_there() {
    let owner = granting().await;
    let forwarding = Fake::start([]).await.otherwise(Answer::as_requested(LONG).naming(owner.host()));
    let quota = connect(Config::new(forwarding.url()));
    for _ in 0..3 {
        drop(quota.acquire(&Request::new()).await.expect("granted"));
    }
    assert_eq!((forwarding.acquires().len(), owner.acquires().len()), (1, 2));
}

#[tokio::test]
async fn when_the_named_node_fails_any_configured_one_is_called() {
    let nobody = Fake::nobody().await.trim_start_matches("http://").to_owned();
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG).naming(nobody));
    let quota = connect(Config::new(fake.url()));
    let start = Instant::now();
    for _ in 0..5 {
        drop(quota.acquire(&Request::new()).await.expect("granted"));
    }
    assert_eq!(fake.acquires().len(), 5);
    assert!(start.elapsed() < Duration::from_secs(2), "the hint is not followed each time");
}

#[tokio::test]
async fn a_hint_does_not_send_a_token_to_a_stranger() {
    // An address that is reserved for documentation: nobody answers there.
    let stranger = "192.0.2.1:7420";
    let fake = Fake::start([]).await.otherwise(Answer::as_requested(LONG).naming(stranger));
    let quota = connect(Config::new(fake.url()).token("secret"));
    for _ in 0..3 {
        drop(quota.acquire(&Request::new()).await.expect("granted"));
    }
    assert_eq!(fake.acquires().len(), 3, "it stays where it is");
}

#[tokio::test]
async fn two_nodes_that_name_each_other_do_not_keep_a_request_busy() {
    let (one, two) = (Fake::start([]).await, Fake::start([]).await);
    let one = one.clone().otherwise(Answer::not_owner().naming(two.host()));
    let two = two.otherwise(Answer::not_owner().naming(one.host()));
    let quota = connect(Config::new(one.url()));
    let error = quota.acquire(&Request::new().max_wait(Duration::from_millis(500))).await;
    assert!(error.is_err());
    let calls = one.acquires().len() + two.acquires().len();
    assert!(calls <= 24, "{calls} calls in half a second");
}

#[tokio::test]
async fn a_replaced_token_is_read_when_the_former_one_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("token");
    std::fs::write(&path, "old\n").expect("written");
    let fake = Fake::start([Answer::as_requested(LONG), Answer::unauthenticated()]).await;
    let fake = fake.otherwise(Answer::as_requested(LONG));
    let quota = connect(Config::new(fake.url()).token_file(&path));
    let first = quota.acquire(&Request::new()).await.expect("granted");
    std::fs::write(&path, "new\n").expect("written");
    let second = quota.acquire(&Request::new()).await.expect("granted with the new token");
    assert_eq!(fake.tokens(), ["Bearer old", "Bearer old", "Bearer new"]);
    drop((first, second));
}
