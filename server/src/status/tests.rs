//! The table against its specification: the comments of `reason.proto`, read as text.

use super::code::code;
use super::*;
use crate::error::{Error, FieldError};
use apportion_core::allocator::SettleError;
use apportion_core::ids::{LimitId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::policy::PolicyError;
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

const SPECIFICATION: &str = include_str!("../../../proto/apportion/v1/reason.proto");
const SECOND: Span = Span::from_secs(1);

/// Each reason with the status that its comment starts with, such as `("WINDOW_EXHAUSTED", "RESOURCE_EXHAUSTED")`.
fn specified() -> Vec<(String, String)> {
    let (mut found, mut status) = (Vec::new(), None);
    for line in SPECIFICATION.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("// ") {
            let first = comment.split('.').next().unwrap_or_default();
            let is_status = !first.is_empty() && first.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            status = status.or(is_status.then(|| String::from(first)));
        } else if let Some((name, _)) = line.strip_prefix("REASON_").and_then(|line| line.split_once(" = ")) {
            found.extend(status.take().map(|status| (String::from(name), status)));
        } else {
            status = None;
        }
    }
    found
}

/// The name of a code in the specification: `ResourceExhausted` is `RESOURCE_EXHAUSTED`.
fn spelled(code: Code) -> String {
    let mut name = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn limit() -> LimitId {
    LimitId::new("per-10s").expect("a name")
}

fn refused(reason: Reason) -> Error {
    let refusal = Refusal { reason, retry_at: Some(Timestamp::from_ns(5_000)), limit: None };
    Error::Refused { refusal, now: Timestamp::from_ns(2_000) }
}

/// Every reason that the core refuses a request for.
const REFUSALS: [Reason; 20] = [
    Reason::Malformed,
    Reason::UnknownTeam,
    Reason::TeamHasParts,
    Reason::TooLarge,
    Reason::TeamPaused,
    Reason::RequestIdReused,
    Reason::LeaseEnded,
    Reason::DeadlineTooShort,
    Reason::WindowExhausted,
    Reason::LimitChanged,
    Reason::TeamCapReached,
    Reason::ProviderCooldown,
    Reason::ClockUnsteady,
    Reason::CallerQueueFull,
    Reason::TeamQueueFull,
    Reason::WorkspaceQueueFull,
    Reason::TooManyCallers,
    Reason::TooManyRequestIds,
    Reason::StoreLost,
    Reason::NotOwner,
];

/// What is not a refusal of a request by the core, with the reason that the specification has for it.
fn other_errors() -> Vec<(&'static str, Error)> {
    let (used, returned, permits) = (Permits::ONE, Permits::ONE, Permits::ONE);
    let id = TeamId::new("a").expect("a name");
    let name = || "workspaces/a".to_string();
    let policy = |error| Error::Policy { error, field: "parent_team".into() };
    vec![
        ("MALFORMED", FieldError::missing("name").into()),
        ("SETTLED_TOO_MUCH", SettleError::TooMuch { used, returned, permits }.into()),
        ("NOT_YOUR_LEASE", SettleError::NotYours.into()),
        ("NO_ADMINISTRATOR", Error::NoAdministrator("create an admin token first")),
        ("MALFORMED", policy(PolicyError::NoLimit)),
        ("MALFORMED", policy(PolicyError::Duplicate { field: "limits", id: "a".into() })),
        (
            "MALFORMED",
            policy(PolicyError::Range { field: "permits", id: "a".into(), value: 0, rule: "from 1" }),
        ),
        (
            "MALFORMED",
            policy(PolicyError::TeamRange { field: "weight", id: "a".into(), value: 0, rule: "from 1" }),
        ),
        ("MALFORMED", policy(PolicyError::TooMany { field: "limits", count: 9, most: 8 })),
        ("TOO_MANY_RESOURCES", policy(PolicyError::TooManyTeams { count: 9, most: 8 })),
        ("UNKNOWN_TEAM", policy(PolicyError::NoSuchParent { id: id.clone(), parent: id.clone() })),
        ("POLICY_CONFLICT", policy(PolicyError::WindowShorterThanGuards { id: limit() })),
        ("POLICY_CONFLICT", policy(PolicyError::Cycle { id: id.clone() })),
        ("POLICY_CONFLICT", policy(PolicyError::TooDeep { id })),
        ("UNKNOWN_WORKSPACE", Error::UnknownWorkspace),
        ("UNKNOWN_TEAM", Error::UnknownTeam),
        ("UNKNOWN_LIMIT", Error::UnknownLimit { index: 0, limit: limit() }),
        ("UNKNOWN_TOKEN", Error::UnknownToken),
        ("UNKNOWN_NODE", Error::UnknownNode),
        ("NO_CLUSTER", Error::NoCluster),
        ("UNKNOWN_DOMAIN", Error::UnknownDomain),
        ("CANCELLED", Error::Cancelled),
        ("STORE_LOST", Error::StoreLost),
        ("STORE_LOST", Error::NotCopied { why: "no space is left".into() }),
        ("NOT_OWNER", Error::NotOwner { shard: 3 }),
        ("WORKSPACE_CLOSED", Error::WorkspaceClosed { why: "weight: must be from 1".into() }),
        ("DRAINING", Error::Draining),
        ("CLOCK_UNSTEADY", Error::ClockUnsteady),
        ("SERVER_FULL", Error::ServerFull { what: "open streams", most: 1, retry_after: SECOND }),
        ("UNAUTHENTICATED", Error::Unauthenticated("no credential came")),
        ("PERMISSION_DENIED", Error::PermissionDenied),
        ("ALREADY_EXISTS", Error::AlreadyExists { name: name() }),
        ("STALE_ETAG", Error::StaleEtag { name: name() }),
        ("POLICY_OVERCOMMITTED", Error::Overcommitted { needed: 2, budget: 1 }),
        ("STILL_NEEDED", Error::StillNeeded { name: name(), why: "it has teams" }),
        ("TOO_MANY_RESOURCES", Error::TooManyResources { what: "teams", most: 1024 }),
        ("BAD_PAGE_TOKEN", Error::BadPageToken),
        ("INTERNAL", Error::Internal("a test")),
    ]
}

fn scope() -> ErrorScope {
    ErrorScope {
        workspace: Some(WorkspaceId::new("w").expect("a name")),
        team: Some(TeamId::new("t").expect("a name")),
    }
}

#[test]
fn every_reason_comes_with_the_status_that_its_comment_names() {
    let specified = specified();
    assert_eq!(specified.len(), SPECIFICATION.matches("  REASON_").count() - 1, "all but UNSPECIFIED");
    for (name, status) in specified {
        let reason = v1::Reason::from_str_name(&format!("REASON_{name}")).expect("the reason is generated");
        assert_eq!(spelled(code(reason)), status, "{name}");
    }
}

#[test]
fn every_error_has_its_reason_and_every_reason_an_error() {
    let mut errors: Vec<_> = REFUSALS.map(|reason| (reason.name(), refused(reason))).into();
    errors.extend(other_errors());
    for (name, error) in &errors {
        let details = error.status(&scope()).get_error_details();
        let told = details.error_info().expect("an ErrorInfo");
        assert_eq!((&*told.reason, &*told.domain), (*name, "apportion"), "{error:?}");
        assert_eq!(told.metadata["workspace"], "w");
    }
    for (name, _) in specified() {
        assert!(errors.iter().any(|(of, _)| *of == name), "{name} comes from no error");
    }
}

#[test]
fn the_details_are_those_that_the_status_asks_for() {
    let refusals = REFUSALS.map(|reason| (reason.name(), refused(reason)));
    for (name, error) in refusals.into_iter().chain(other_errors()) {
        let status = error.status(&scope());
        let details = status.get_error_details();
        let exhausted = status.code() == Code::ResourceExhausted;
        let violations = details.quota_failure().map_or(0, |failure| failure.violations.len());
        assert_eq!(violations, usize::from(exhausted), "{name}: QuotaFailure");
        let again = exhausted || status.code() == Code::Unavailable;
        let retries = again && name != "TOO_MANY_RESOURCES";
        assert_eq!(details.retry_info().is_some(), retries, "{name}: RetryInfo");
        if details.bad_request().is_some() {
            assert_eq!(status.code(), Code::InvalidArgument, "{name}: BadRequest");
        }
    }
}

#[test]
fn a_refusal_tells_how_long_asking_again_is_of_no_use() {
    let failure = refused(Reason::WindowExhausted).failure(&scope());
    let told = failure.status().get_error_details().retry_info().and_then(|retry| retry.retry_delay);
    assert_eq!(told, Some(std::time::Duration::from_nanos(3_000)));
    assert_eq!(failure.refusal().retry_after.map(|span| span.nanos), Some(3_000));
    assert_eq!(failure.refusal().reason(), v1::Reason::WindowExhausted);
    let refusal = Refusal { reason: Reason::WindowExhausted, retry_at: None, limit: None };
    let never = Error::Refused { refusal, now: Timestamp::ZERO }.failure(&scope());
    assert_eq!(never.refusal().retry_after, None);
    assert!(never.status().get_error_details().retry_info().is_none());
}

#[test]
fn a_quota_failure_names_who_was_stopped() {
    let subject = |error: &Error, scope: &ErrorScope| {
        let details = error.status(scope).get_error_details();
        details.quota_failure().expect("a QuotaFailure").violations[0].subject.clone()
    };
    assert_eq!(subject(&refused(Reason::TeamCapReached), &scope()), "workspaces/w/teams/t");
    assert_eq!(subject(&refused(Reason::WorkspaceQueueFull), &scope()), "workspaces/w");
    let refusal = Refusal { reason: Reason::ProviderCooldown, retry_at: None, limit: Some(limit()) };
    let throttled = Error::Refused { refusal, now: Timestamp::ZERO };
    assert_eq!(subject(&throttled, &scope()), "workspaces/w/limits/per-10s");
    let full = Error::ServerFull { what: "watchers", most: 1, retry_after: SECOND };
    assert_eq!(subject(&full, &ErrorScope::default()), "server");
}

#[test]
fn a_field_at_fault_is_named_in_bad_request_and_on_a_stream() {
    let failure = Error::from(FieldError::new("permits", "0 is too few")).failure(&ErrorScope::default());
    let details = failure.status().get_error_details();
    let violations = &details.bad_request().expect("a BadRequest").field_violations;
    assert_eq!((violations.len(), &*violations[0].field), (1, "permits"));
    assert_eq!(violations[0].description, "permits: 0 is too few");
    assert_eq!(failure.refusal().field, "permits");
}
