//! What responses and reports say, under rules that change.

use apportion_tests::provider::{Change, Rules};
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::world::{BASE_MS, World, assert_adds_up};

#[tokio::test]
async fn every_response_has_limit_remaining_and_reset() {
    let world = World::new(Rules { limit: 2, ..Rules::default() });
    let mut client = world.client().await;
    assert_eq!(client.call().await.limits, [Some(2), Some(1), Some(10)]);
    world.at(9_999);
    assert_eq!(client.call().await.limits, [Some(2), Some(0), Some(10)]);
    let throttled = client.call().await;
    assert_eq!(
        (throttled.status, throttled.limits),
        (StatusCode::TOO_MANY_REQUESTS, [Some(2), Some(0), Some(10)])
    );
    world.at(10_000);
    let next = client.call().await;
    assert_eq!((next.status, next.limits), (StatusCode::OK, [Some(2), Some(1), Some(20)]));
    assert_adds_up(&world.provider.stop());
}

#[tokio::test]
async fn a_throttled_request_is_answered_in_the_format_of_intercom() {
    let world = World::new(Rules { limit: 1, ..Rules::default() });
    let mut client = world.client().await;
    let job = client.send(Method::POST, "/export/content/data", "web", "{}".into()).await;
    assert_eq!(job.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(job.body["errors"][0]["message"], "Exceeded rate limit of 1 pending message data export jobs");
    let full = client.call().await;
    let id = full.body["request_id"].as_str().expect("an id").to_owned();
    let error = json!({"code": "rate_limit_exceeded", "message": "Exceeded rate limit of 1 in 10_seconds"});
    assert_eq!(full.body, json!({"type": "error.list", "request_id": id, "errors": [error]}));
    assert_ne!(job.body["request_id"], id);
    assert_eq!((full.retry_after, job.retry_after), (None, None));
}

#[tokio::test]
async fn a_new_phase_shows_in_the_reset_rounded_as_configured() {
    for (reset_rounded_down, resets) in [(false, [10, 14]), (true, [10, 13])] {
        let world = World::new(Rules { reset_rounded_down, ..Rules::default() });
        let mut client = world.client().await;
        world.at(5_000);
        assert_eq!(client.call().await.limits[2], Some(resets[0]));
        let rules = client.control(json!({"phase_ms": 3700})).await;
        assert_eq!((rules.status, &rules.body["phase_ms"]), (StatusCode::OK, &json!(3700)));
        world.at(6_000);
        assert_eq!(client.call().await.limits, [Some(166), Some(164), Some(resets[1])]);
        let report = client.report().await;
        assert_eq!(report.revisions[0].first_shown_ns, Some((BASE_MS + 6_000) * 1_000_000));
        assert_adds_up(&report);
    }
}

#[tokio::test]
async fn a_new_limit_shows_in_the_next_response() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    client.call().await;
    for (limit, remaining) in [(120, 118), (500, 497)] {
        client.control(json!({"limit": limit})).await;
        assert_eq!(client.call().await.limits[..2], [Some(limit), Some(remaining)]);
    }
    let report = client.report().await;
    assert!(report.revisions.iter().all(|revision| revision.first_shown_ns.is_some()));
    assert_eq!(report.revisions[1].change, Change { limit: Some(500), ..Change::default() });
}

#[tokio::test]
async fn external_use_lowers_what_remains_and_is_no_arrival() {
    let world = World::new(Rules { limit: 100, external_percent: 30, ..Rules::default() });
    let mut client = world.client().await;
    world.at(9_999);
    assert_eq!(client.call().await.limits[1], Some(69));
    let report = client.report().await;
    assert_eq!((report.total.arrivals, report.open.external), (1, 30));
}

#[tokio::test]
async fn a_response_during_a_lock_out_says_how_long_it_lasts() {
    let world = World::new(Rules { limit: 1, penalty_after: 1, penalty_ms: 29_500, ..Rules::default() });
    let mut client = world.client().await;
    client.call().await;
    client.call().await;
    world.at(10_000);
    let locked = client.call().await;
    assert_eq!((locked.status, locked.retry_after), (StatusCode::TOO_MANY_REQUESTS, Some(20)));
    world.at(29_500);
    assert_eq!(client.call().await.status, StatusCode::OK);
}

#[tokio::test]
async fn forced_throttling_affects_that_many_requests() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    client.control(json!({"force_429": 2})).await;
    let mut throttled = 0;
    for _ in 0..5 {
        throttled += u32::from(client.call().await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(throttled, 2);
    assert!(client.report().await.revisions[0].first_shown_ns.is_some());
}

#[tokio::test]
async fn an_invalid_change_is_refused_by_name_and_has_no_effect() {
    let world = World::new(Rules::default());
    let mut client = world.client().await;
    for (change, word) in
        [(json!({"limits": 5}), "limits"), (json!({"limit": 0}), "limit"), (json!("no object"), "no object")]
    {
        let refused = client.control(change).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body["error"].as_str().expect("a reason").contains(word));
    }
    assert_eq!(client.send(Method::DELETE, "/_report", "", String::new()).await.status, 405);
    assert_eq!(client.send(Method::GET, "/_else", "", String::new()).await.status, 404);
    let report = client.report().await;
    assert_eq!((report.rules, report.total.arrivals), (Rules::default(), 0));
}
