//! A refusal on arrival is never wrong.

use apportion_core::ids::{CallerId, TeamId};
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals as When, Demand, Record, Scenario, Verdict};
use apportion_core::time::Span;
use apportion_tests::generate::{self, Shape, early, permits};
use apportion_tests::random::Random;
use apportion_tests::replay;
use apportion_tests::seeds::check_seeds;

use crate::cases::SEEDS;

/// A random scenario of requests without a deadline, and last a single one with a deadline. It arrives before or in the first
/// window, in which no demand is expected: later, what is kept for expected demand can be released early, by a request that a floor
/// stops.
fn with_an_impatient_request(seed: u64) -> Scenario {
    let mut scenario = generate::scenario(seed, Shape { deadlines: false, events: false, ..Shape::ALL });
    let mut random = Random::new(!seed);
    let teams: Vec<TeamId> = generate::leaves(&scenario.policy).map(|team| team.id.clone()).collect();
    let most = scenario.policy.largest().get().min(scenario.policy.limits[0].permits.get());
    let permits = permits(random.from_to(1, most));
    let after = |random: &mut Random, most| Span::from_ms(u64::from(random.from_to(0, most)));
    scenario.demand.push(Demand {
        team: teams[random.index(teams.len())].clone(),
        caller: CallerId::new("caller").expect("a valid name"),
        priority: Some(random.one_of(&Priority::ALL)),
        permits,
        min_permits: permits,
        max_wait: Some(after(&mut random, 20_000)),
        tag: Some("impatient".into()),
        shape: When::Once { count: 1, at: early() + after(&mut random, 9_999) },
    });
    scenario
}

fn is_impatient(record: &&Record) -> bool {
    matches!(record, Record::Grant { tag, .. } | Record::Reject { tag, .. }
        if tag.as_deref() == Some("impatient"))
}

/// A refusal with a time to retry is right: without its deadline, the request would have been granted after the deadline, and no
/// earlier than at the time to retry.
fn rightly_refused(scenario: &Scenario) -> Result<(), String> {
    let log = replay(scenario);
    let Some(Record::Reject { at, reason, retry_after: Some(retry_after), .. }) =
        log.iter().find(is_impatient)
    else {
        return Ok(());
    };
    let mut patient = scenario.clone();
    let last = patient.demand.last_mut().expect("the impatient one");
    let max_wait = last.max_wait.take().expect("it has a deadline");
    match replay(&patient).iter().find(is_impatient) {
        Some(Record::Grant { at: granted, waited, .. }) if *waited <= max_wait => {
            Err(format!("{reason:?} at {at:?}, but granted at {granted:?}"))
        }
        Some(Record::Grant { at: granted, .. })
            if *reason == Verdict::Deadline && *granted < *at + *retry_after =>
        {
            Err(format!("retry at {:?}, but granted at {granted:?}", *at + *retry_after))
        }
        _ => Ok(()),
    }
}

#[test]
fn no_refusal_for_a_deadline_is_wrong_where_no_demand_is_expected() {
    check_seeds(SEEDS, with_an_impatient_request, rightly_refused);
}
