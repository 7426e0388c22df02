//! RLQS over gRPC, as Envoy speaks it: what a bucket is assigned, that it is booked, and how a stream ends.

use crate::rls::served;
use crate::served::{ROOT, Served, client_token};
use apportion_envoy::quota::rate_limit_quota_response::bucket_action::BucketAction;
use apportion_envoy::quota::rate_limit_quota_usage_reports::BucketQuotaUsage;
use apportion_envoy::quota::rate_limit_strategy::Strategy;
use apportion_envoy::quota::{BucketId, RateLimitQuotaResponse, RateLimitQuotaUsageReports};
use apportion_proto::v1;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// How long something that must not happen is waited for.
const A_WHILE: Duration = Duration::from_millis(700);

fn report(domain: &str, team: &str) -> RateLimitQuotaUsageReports {
    let bucket = [("team".to_owned(), team.to_owned())].into();
    let usage = BucketQuotaUsage {
        bucket_id: Some(BucketId { bucket }),
        time_elapsed: Some(prost_types::Duration::default()),
        num_requests_allowed: 0,
        num_requests_denied: 1,
    };
    RateLimitQuotaUsageReports { domain: domain.into(), bucket_quota_usages: vec![usage] }
}

/// A stream of an Envoy that has sent this report, and where to send more.
async fn stream(
    served: &Served,
    secret: &str,
    first: RateLimitQuotaUsageReports,
) -> (mpsc::Sender<RateLimitQuotaUsageReports>, Streaming<RateLimitQuotaResponse>) {
    let (sender, reports) = mpsc::channel(4);
    sender.send(first).await.expect("there is room");
    let stream = served.rlqs_as(secret).stream_rate_limit_quotas(ReceiverStream::new(reports)).await;
    (sender, stream.expect("a stream").into_inner())
}

/// The tokens of the next assignment, and the seconds that it lasts.
async fn assigned(answers: &mut Streaming<RateLimitQuotaResponse>) -> (u32, i64) {
    let answer = answers.message().await.expect("no error").expect("an assignment");
    let Some(BucketAction::QuotaAssignmentAction(action)) = answer.bucket_action[0].bucket_action else {
        panic!("{answer:?}")
    };
    let lasts = action.assignment_time_to_live.expect("it ends").seconds;
    match action.rate_limit_strategy.expect("a strategy").strategy {
        Some(Strategy::TokenBucket(tokens)) => (tokens.max_tokens, lasts),
        other => panic!("{other:?}"),
    }
}

/// The error with which a stream ends; assignments may come before.
async fn end(answers: &mut Streaming<RateLimitQuotaResponse>) -> Status {
    loop {
        match answers.message().await {
            Ok(answer) => assert!(answer.is_some(), "the stream ends without an error"),
            Err(status) => return status,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_bucket_gets_a_sixteenth_which_is_booked_and_ends_within_its_window() {
    let served = served().await;
    let (_sender, mut answers) = stream(&served, ROOT, report("mesh", "sync")).await;
    let (tokens, lasts) = assigned(&mut answers).await;
    assert!(tokens == 3 && (1..=3_600).contains(&lasts), "{tokens} tokens for {lasts} s");
    assert_eq!(served.left().await, 40 - tokens);
    // A team that is not known is the default team.
    let (_other, mut answers) = stream(&served, ROOT, report("mesh", "absent")).await;
    assert_eq!((assigned(&mut answers).await.0, served.left().await), (3, 34));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_bounds_the_teams_of_buckets_and_its_end_ends_the_stream() {
    let served = served().await;
    let scopes = vec![v1::Scope { workspace: "w".into(), team: "sync".into() }];
    let token = v1::Token { role: v1::Role::Client.into(), scopes, ..Default::default() };
    let token = v1::CreateTokenRequest { token: Some(token), ..client_token("envoy") };
    let secret = served.admin().create_token(token).await.expect("made").into_inner().secret;
    let (_sender, mut answers) = stream(&served, &secret, report("mesh", "default")).await;
    assert!(tokio::time::timeout(A_WHILE, answers.message()).await.is_err(), "it was assigned something");
    assert_eq!(served.left().await, 40);
    let delete = v1::DeleteTokenRequest { name: "tokens/envoy".into(), ..Default::default() };
    served.admin().delete_token(delete).await.expect("deleted");
    assert_eq!(end(&mut answers).await.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_ends_the_stream_with_the_field_at_fault() {
    let served = served().await;
    let (_sender, mut answers) = stream(&served, ROOT, report("absent", "sync")).await;
    assert_eq!(end(&mut answers).await.code(), Code::NotFound);
    let (_sender, mut answers) = stream(&served, ROOT, report("", "sync")).await;
    assert!(end(&mut answers).await.message().starts_with("domain: "));
    let mut empty = report("mesh", "sync");
    empty.bucket_quota_usages.push(BucketQuotaUsage::default());
    let (_sender, mut answers) = stream(&served, ROOT, empty).await;
    let status = end(&mut answers).await;
    assert!(status.message().starts_with("bucket_quota_usages[1].bucket_id.bucket: "), "{status}");
}
