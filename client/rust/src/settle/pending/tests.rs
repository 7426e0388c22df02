//! Which reports are sent together, and when.

use super::*;
use crate::observation::TimedObservation;
use apportion_proto::v1::Observation;

fn at_ms(ms: u64) -> BootInstant {
    BootInstant::from_nanos(ms * 1_000_000)
}

fn report(lease: u32, returned: u32, observations: usize) -> LeaseReport {
    let seen = || TimedObservation::new(Observation { status: 200, ..Observation::default() }, at_ms(1_000));
    let request = SettleLeaseRequest {
        lease_id: format!("lease-{lease}"),
        returned_permits: returned,
        ..SettleLeaseRequest::default()
    };
    LeaseReport {
        request,
        observations: (0..observations).filter_map(|_| seen()).collect(),
        lease_end: at_ms(9_000),
    }
}

#[test]
fn the_most_urgent_report_takes_all_others_with_it() {
    let mut pending = PendingReports::new();
    pending.add(at_ms(1_000), report(1, 0, 0), Urgency::Usual);
    assert_eq!(pending.due_at(), Some(at_ms(1_050)));
    pending.add(at_ms(1_010), report(2, 1, 0), Urgency::Returns);
    assert_eq!(pending.due_at(), Some(at_ms(1_030)));
    assert!(pending.take(at_ms(1_029)).is_none());
    pending.add(at_ms(1_029), report(3, 0, 1), Urgency::Throttle);
    assert_eq!(pending.take(at_ms(1_029)).map(|batch| batch.requests.len()), Some(3));
    assert_eq!((pending.due_at(), pending.is_empty()), (None, true));
}

#[test]
fn reports_of_one_lease_become_one_with_the_latest_counts_and_all_observations() {
    let mut pending = PendingReports::new();
    pending.add(at_ms(1_000), report(1, 2, 3), Urgency::Returns);
    pending.add(at_ms(1_001), report(1, 5, 4), Urgency::Returns);
    let batch = pending.take(at_ms(1_020)).expect("it is due");
    assert_eq!(batch.requests.len(), 1);
    assert_eq!((batch.requests[0].returned_permits, batch.requests[0].observations.len()), (5, 7));
}

#[test]
fn observations_beyond_those_of_one_request_go_into_requests_before_the_last() {
    let mut pending = PendingReports::new();
    let mut all = report(1, 2, 150);
    all.request.is_final = true;
    pending.add(at_ms(1_000), all, Urgency::Usual);
    let requests = pending.take(at_ms(1_050)).expect("it is due").requests;
    let sent: Vec<_> = requests.iter().map(|one| (one.is_final, one.observations.len())).collect();
    assert_eq!(sent, [(false, 64), (false, 64), (true, 22)]);
    assert!(requests.iter().all(|one| one.returned_permits == 2));
}

#[test]
fn no_call_is_larger_than_a_server_accepts() {
    let mut pending = PendingReports::new();
    for lease in 0..2_500 {
        pending.add(at_ms(1_000), report(lease, 1, 64), Urgency::Returns);
    }
    let (mut leases, mut calls) = (0, 0);
    while let Some(batch) = pending.take(at_ms(1_020)) {
        let bytes: usize = batch.requests.iter().map(|one| one.encoded_len() + 8).sum();
        assert!(batch.requests.len() <= REQUESTS_MAX && bytes <= BYTES_MAX, "{bytes}");
        leases += batch.reports.len();
        calls += 1;
    }
    assert_eq!(leases, 2_500);
    assert!(calls > 3, "the bytes are the bound: {calls}");
}

#[test]
fn a_report_that_comes_back_gives_way_to_a_later_one_and_keeps_its_observations() {
    let mut pending = PendingReports::new();
    pending.add(at_ms(1_000), report(1, 2, 3), Urgency::Returns);
    let sent = pending.take(at_ms(1_020)).expect("it is due");
    pending.add(at_ms(1_021), report(1, 4, 1), Urgency::Returns);
    let failed = sent.reports.into_iter().map(|(report, _)| report).collect();
    pending.pause(at_ms(1_025), Duration::from_millis(100));
    assert_eq!(pending.put_back(at_ms(1_025), failed), 0);
    assert_eq!(pending.due_at(), Some(at_ms(1_125)));
    let requests = pending.take(at_ms(1_125)).expect("it is due").requests;
    assert_eq!((requests.len(), requests[0].returned_permits, requests[0].observations.len()), (1, 4, 4));
}

#[test]
fn beyond_the_bound_no_report_is_added_except_for_a_lease_that_has_one() {
    let mut pending = PendingReports::new();
    for lease in 0..u32::try_from(WAITING_MAX).expect("small") {
        assert!(pending.add(at_ms(1_000), report(lease, 0, 0), Urgency::Usual));
    }
    assert!(!pending.add(at_ms(1_000), report(u32::MAX, 1, 0), Urgency::Returns));
    assert!(pending.add(at_ms(1_000), report(0, 1, 0), Urgency::Returns));
}
