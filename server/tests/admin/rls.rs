//! RLS over gRPC, as Envoy speaks it: what a descriptor takes, checks and gives back, and how what is wrong is answered.

use crate::served::{ROOT, Served, bound, client_token, reason};
use apportion_envoy::ratelimit::rate_limit_descriptor::Entry;
use apportion_envoy::ratelimit::rate_limit_response::Code;
use apportion_envoy::ratelimit::{RateLimitDescriptor, RateLimitRequest, RateLimitResponse};
use apportion_proto::v1;
use prost_types::value::Kind;

/// A question about these descriptors, each with its entries.
pub(crate) fn asked(domain: &str, descriptors: &[&[(&str, &str)]]) -> RateLimitRequest {
    let entry = |&(key, value): &(&str, &str)| Entry { key: key.into(), value: value.into() };
    let descriptor = |entries: &&[(&str, &str)]| RateLimitDescriptor {
        entries: entries.iter().map(entry).collect(),
        ..RateLimitDescriptor::default()
    };
    let descriptors = descriptors.iter().map(descriptor).collect();
    RateLimitRequest { domain: domain.into(), descriptors, hits_addend: 0 }
}

/// The same about one descriptor of a team that adds so many hits, or gives them back.
fn hits(team: &str, hits: u64, is_negative_hits: bool) -> RateLimitRequest {
    let mut asked = asked("mesh", &[&[("team", team)]]);
    asked.descriptors[0].hits_addend = Some(hits);
    asked.descriptors[0].is_negative_hits = is_negative_hits;
    asked
}

/// A server with the workspace `w` of 40 permits an hour, its team `sync`, and the domain `mesh`.
async fn served() -> Served {
    let served = Served::start().await;
    let mut admin = served.admin();
    let hour = prost_types::Duration { seconds: 3_600, nanos: 0 };
    let limit = v1::Limit { limit_id: "l".into(), permits: 40, window: Some(hour), ..Default::default() };
    let nothing = Some(v1::PriorityShares::default());
    let workspace = v1::Workspace {
        limits: vec![limit],
        holdback: nothing,
        floors: nothing,
        largest_lease_permits: Some(40),
        ..v1::Workspace::default()
    };
    let create = v1::CreateWorkspaceRequest {
        workspace_id: "w".into(),
        workspace: Some(workspace),
        ..Default::default()
    };
    admin.create_workspace(create).await.expect("made");
    for (team, cap_permits) in [("sync", None), ("paused", Some(0))] {
        let value = Some(v1::Team { cap_permits, ..v1::Team::default() });
        let team = v1::CreateTeamRequest {
            parent: "workspaces/w".into(),
            team_id: team.into(),
            team: value,
            ..Default::default()
        };
        admin.create_team(team).await.expect("made");
    }
    let mut mesh = bound("mesh", "w");
    // Longer than a busy disk needs for the first permits.
    mesh.domain.as_mut().expect("a domain").max_wait = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    admin.create_domain(mesh).await.expect("made");
    served
}

impl Served {
    async fn answer(&self, request: RateLimitRequest) -> RateLimitResponse {
        self.rls_as(ROOT).should_rate_limit(request).await.expect("an answer").into_inner()
    }

    /// What is left of the window of `w`, by a check that takes nothing.
    async fn left(&self) -> u32 {
        self.answer(hits("sync", 0, false)).await.statuses[0].limit_remaining
    }
}

/// The reason of an answer that is over the limit.
fn why(answer: &RateLimitResponse) -> String {
    assert_eq!(answer.overall_code(), Code::OverLimit);
    match &answer.dynamic_metadata.as_ref().expect("it says why").fields["reason"].kind {
        Some(Kind::StringValue(reason)) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_take_permits_a_check_takes_none_and_negative_hits_give_back_what_was_taken() {
    let served = served().await;
    assert_eq!(served.left().await, 40);
    let answer = served.answer(asked("mesh", &[&[("team", "sync")]])).await;
    assert_eq!((answer.overall_code(), answer.statuses[0].limit_remaining), (Code::Ok, 39));
    let limit = answer.statuses[0].current_limit.clone().expect("a limit");
    assert_eq!((&*limit.name, limit.requests_per_unit, limit.unit().as_str_name()), ("l", 40, "HOUR"));
    assert!(answer.statuses[0].duration_until_reset.is_some());
    served.answer(hits("sync", 9, false)).await;
    assert_eq!(served.left().await, 30);
    served.answer(hits("sync", 4, true)).await;
    assert_eq!(served.left().await, 34);
    // Not more than was taken, and nothing of another team.
    served.answer(hits("default", 5, true)).await;
    assert_eq!(served.left().await, 34);
    assert_eq!(served.answer(hits("sync", 1_000, true)).await.overall_code(), Code::Ok);
    assert_eq!(served.left().await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_the_limit_costs_nothing_and_says_why_and_when_to_retry() {
    let served = served().await;
    served.answer(hits("sync", 39, false)).await;
    let two: &[&[(&str, &str)]] = &[&[("team", "sync")], &[("team", "default")]];
    let answer = served.answer(asked("mesh", two)).await;
    let codes: Vec<_> = answer.statuses.iter().map(|status| status.code()).collect();
    assert_eq!(codes, [Code::Ok, Code::OverLimit]);
    assert!(["DEADLINE_TOO_SHORT", "WINDOW_EXHAUSTED"].contains(&&*why(&answer)), "{}", why(&answer));
    let header = &answer.response_headers_to_add[0];
    assert!(
        header.key == "retry-after" && header.value.parse::<u32>().is_ok_and(|seconds| seconds >= 1),
        "{header:?}"
    );
    // What the first descriptor took went back, since the request is not sent.
    assert_eq!(served.left().await, 1);
    assert_eq!(why(&served.answer(hits("sync", u64::MAX, false)).await), "TOO_LARGE");
    assert_eq!(why(&served.answer(hits("paused", 1, false)).await), "TEAM_PAUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_known_team_is_of_the_default_team_or_over_the_limit_as_the_domain_says() {
    let served = served().await;
    for odd in [("team", "absent"), ("team", "a/b"), ("team", ""), ("other", "x")] {
        assert_eq!(served.answer(asked("mesh", &[&[odd]])).await.overall_code(), Code::Ok, "{odd:?}");
    }
    assert_eq!(served.left().await, 36);
    let strict = v1::Domain { name: "domains/mesh".into(), refuse_unknown: true, ..Default::default() };
    let strict = v1::UpdateDomainRequest { domain: Some(strict), ..Default::default() };
    served.admin().update_domain(strict).await.expect("changed");
    for odd in [("team", "absent"), ("team", "a/b"), ("other", "x")] {
        assert_eq!(why(&served.answer(asked("mesh", &[&[odd]])).await), "UNKNOWN_TEAM", "{odd:?}");
    }
    assert_eq!(served.left().await, 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_bounds_the_teams_that_its_envoy_may_name() {
    let served = served().await;
    let scopes = vec![v1::Scope { workspace: "w".into(), team: "sync".into() }];
    let token = v1::Token { role: v1::Role::Client.into(), scopes, ..Default::default() };
    let token = v1::CreateTokenRequest { token: Some(token), ..client_token("envoy") };
    let secret = served.admin().create_token(token).await.expect("made").into_inner().secret;
    let mut envoy = served.rls_as(&secret);
    let own = envoy.should_rate_limit(asked("mesh", &[&[("team", "sync")]])).await.expect("an answer");
    assert_eq!(own.into_inner().overall_code(), Code::Ok);
    // An error could let the request pass.
    for other in ["default", "absent"] {
        let answer = envoy.should_rate_limit(asked("mesh", &[&[("team", other)]])).await.expect("an answer");
        assert_eq!(why(&answer.into_inner()), "PERMISSION_DENIED");
    }
    let mut nobody = served.rls_as("apt_wrong");
    assert_eq!(
        reason(nobody.should_rate_limit(asked("mesh", &[&[("team", "sync")]])).await),
        "UNAUTHENTICATED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_an_error_that_names_the_field() {
    let served = served().await;
    let mut envoy = served.rls_as(ROOT);
    let one: &[&[(&str, &str)]] = &[&[("team", "sync")]];
    assert_eq!(reason(envoy.should_rate_limit(asked("", one)).await), "MALFORMED");
    assert_eq!(reason(envoy.should_rate_limit(asked("absent", one)).await), "UNKNOWN_DOMAIN");
    let many = vec![one[0]; 17];
    for (descriptors, field) in
        [(&[][..], "descriptors"), (&[&[][..]][..], "descriptors[0].entries"), (&many[..], "descriptors")]
    {
        let refused = envoy.should_rate_limit(asked("mesh", descriptors)).await.expect_err("refused");
        assert!(refused.message().starts_with(&format!("{field}: must have between 1 and ")), "{refused}");
    }
    assert_eq!(served.left().await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_where_the_domain_lets_it_and_a_permit_that_comes_back_serves_it() {
    let served = served().await;
    // Less, and the request would be refused on arrival: the next window may open in an hour.
    let wait = Some(prost_types::Duration { seconds: 3_600, nanos: 0 });
    let patient = v1::Domain { name: "domains/mesh".into(), max_wait: wait, ..Default::default() };
    let patient = v1::UpdateDomainRequest { domain: Some(patient), ..Default::default() };
    served.admin().update_domain(patient).await.expect("changed");
    served.answer(hits("sync", 40, false)).await;
    let mut envoy = served.rls_as(ROOT);
    let waits = tokio::spawn(async move { envoy.should_rate_limit(hits("default", 1, false)).await });
    served.until_waiting("w", 1).await;
    served.answer(hits("sync", 1, true)).await;
    let answer = waits.await.expect("no panic").expect("an answer").into_inner();
    assert_eq!(answer.overall_code(), Code::Ok);
    // Envoy's own patience ends sooner than the wait of the domain: it is told in time.
    let mut impatient = tonic::Request::new(hits("default", 1, false));
    impatient.set_timeout(std::time::Duration::from_millis(400));
    let answer =
        served.rls_as(ROOT).should_rate_limit(impatient).await.expect("an answer in time").into_inner();
    assert_eq!(answer.overall_code(), Code::OverLimit);
}
