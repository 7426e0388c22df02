//! Random messages for the conversions from the wire.

use apportion_envoy::ratelimit::rate_limit_descriptor::Entry;
use apportion_envoy::ratelimit::{RateLimitDescriptor, RateLimitRequest};
use apportion_fuzz::fuzz;
use apportion_proto::v1;
use prost::Message;

/// Decodes bytes as a message, and hands it on where they are one.
fn decoded<M: Message + Default>(bytes: &[u8], then: impl FnOnce(M)) {
    if let Ok(message) = M::decode(bytes) {
        then(message);
    }
}

fn settle(lease: &str) -> v1::SettleLeaseRequest {
    let observation = v1::Observation {
        status: 429,
        limit_permits: Some(166),
        remaining_permits: Some(3),
        ..v1::Observation::default()
    };
    v1::SettleLeaseRequest {
        workspace: "default".into(),
        team: "default".into(),
        caller: "worker".into(),
        lease_id: lease.into(),
        used_permits: 1,
        observations: vec![observation],
        is_final: true,
        ..v1::SettleLeaseRequest::default()
    }
}

fn acquire() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest {
        workspace: "default".into(),
        team: "default".into(),
        caller: "worker".into(),
        permits: Some(5),
        min_permits: Some(1),
        max_wait: Some(prost_types::Duration { seconds: 3, nanos: 5 }),
        ..v1::AcquireLeaseRequest::default()
    }
}

fn asked_by_envoy() -> RateLimitRequest {
    let entry = Entry { key: "team".into(), value: "sync".into() };
    let descriptor =
        RateLimitDescriptor { entries: vec![entry], hits_addend: Some(2), is_negative_hits: true };
    RateLimitRequest { domain: "mesh".into(), descriptors: vec![descriptor], hits_addend: 3 }
}

#[test]
fn no_message_makes_a_conversion_panic_and_what_is_taken_is_inside_its_bounds() {
    use crate::convert::{names, settle as reports, team, workspace};
    use crate::engine::{Acquire, LeaseReport};
    use apportion_core::ids::WorkspaceId;
    let id = WorkspaceId::new("default").expect("a name");
    let whole = v1::Workspace { preset: "intercom".into(), ..crate::preset::intercom() };
    let batch = v1::BatchSettleLeasesRequest { requests: vec![settle("1-1-00"), settle("2-2-ff")] };
    let teams = crate::preset::default_team("default");
    let domain =
        v1::Domain { workspace: "workspaces/default".into(), team_key: "team".into(), ..Default::default() };
    let mesh = crate::convert::domain::domain_policy(&domain).expect("a domain");
    let valid = [
        acquire().encode_to_vec(),
        settle("1000000-1-c7205b7a97322d92").encode_to_vec(),
        batch.encode_to_vec(),
        whole.encode_to_vec(),
        teams.encode_to_vec(),
        domain.encode_to_vec(),
        asked_by_envoy().encode_to_vec(),
    ];
    let mut taken = 0_u64;
    let cases = fuzz(|noise| {
        let bytes = match noise.below(10) {
            0 => noise.bytes(200),
            number => noise.changed(&valid[number % valid.len()]),
        };
        decoded(&bytes, |message: v1::AcquireLeaseRequest| {
            if let Ok(acquire) = Acquire::try_from(&message) {
                taken += 1;
                assert!(acquire.permits.get() >= 1 && acquire.min_permits <= acquire.permits, "{message:?}");
            }
        });
        decoded(&bytes, |message: v1::SettleLeaseRequest| drop(LeaseReport::try_from(&message)));
        decoded(&bytes, |message: v1::BatchSettleLeasesRequest| drop(reports::batch(&message)));
        decoded(&bytes, |message: v1::Workspace| {
            if let Ok(policy) = workspace::policy(&message, Vec::new())
                && policy.check().is_ok()
            {
                taken += 1;
                // When it was made is kept beside what is configured.
                let created_at = apportion_core::time::Timestamp::ZERO;
                let policy = apportion_core::policy::Policy { created_at, ..policy };
                let again = workspace::wire_workspace(&id, &policy);
                assert_eq!(workspace::policy(&again, Vec::new()), Ok(policy), "{message:?}");
            }
            let _ = crate::resource::update_workspace(&mut whole.clone(), &message, None);
        });
        decoded(&bytes, |message: v1::Domain| {
            if let Ok(policy) = crate::convert::domain::domain_policy(&message) {
                taken += 1;
                let id = names::DomainId::new("mesh").expect("a name");
                let again = crate::convert::domain::wire_domain(&id, &policy);
                assert_eq!(crate::convert::domain::domain_policy(&again), Ok(policy), "{message:?}");
            }
        });
        decoded(&bytes, |message: RateLimitRequest| {
            if let Ok(asked) = crate::convert::envoy::descriptors(&mesh, &message) {
                taken += 1;
                assert!((1..=16).contains(&asked.len()), "{message:?}");
            }
        });
        decoded(&bytes, |message: v1::Team| drop(team::team_policies(&id, [&message])));
        let text = String::from_utf8_lossy(&bytes);
        let _ = (names::team("name", &text), names::page_start(&["list"], &text));
    });
    assert!(taken > cases / 100, "{taken} of {cases} were taken: nothing was shown");
}
