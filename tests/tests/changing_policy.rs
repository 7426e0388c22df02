//! A minute of changing policy against the running server, with kills right before, in and after changes: whoever holds leases holds
//! no more than a window's budget, and somebody is served again soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::leases::Held;
use apportion_tests::process::load::span;
use apportion_tests::process::pass;
use apportion_tests::process::reshaping::{Reshaping, Shared, TEAMS, WORKSPACE};
use apportion_tests::world::random::Random;

/// How many hold leases, half of them of the team with a cap.
const HOLDERS: u64 = 8;
/// Changes follow each other for so long, and then nothing changes until windows went by.
const STORM: Duration = Duration::from_secs(13);
/// How much longer than its longest window a policy needs until somebody is served: guards and margins of the others.
const LATE: Duration = Duration::from_secs(2);

/// Acquires leases and settles them soon, late, in part, or never.
async fn hold(number: u64, shared: Shared, stop: Arc<AtomicBool>) {
    let mut random = Random::new(number);
    let team = TEAMS[usize::try_from(number % 2).expect("0 or 1")];
    while !stop.load(Ordering::Relaxed) {
        let mut client = QuotaServiceClient::new(shared.server.borrow().clone());
        let permits = u32::try_from(random.between(1, 4)).expect("small");
        let mut ask = tonic::Request::new(v1::AcquireLeaseRequest {
            workspace: WORKSPACE.into(),
            team: team.into(),
            permits: Some(permits),
            min_permits: Some(1),
            max_wait: prost_types::Duration::try_from(Duration::from_millis(random.between(0, 900))).ok(),
            ..Default::default()
        });
        ask.set_timeout(Duration::from_secs(2));
        let sent = Instant::now();
        match client.acquire_lease(ask).await {
            Ok(answer) => {
                let lease = answer.into_inner().lease.expect("a lease");
                let held =
                    use_up(&lease, sent, number.is_multiple_of(2), &shared, &mut client, &mut random).await;
                shared.note(|seen| seen.leases.push(held));
            }
            Err(_) => pass(Duration::from_millis(random.between(5, 60))).await,
        }
    }
}

type Client = QuotaServiceClient<tonic::transport::Channel>;

async fn use_up(
    lease: &v1::Lease,
    sent: Instant,
    capped: bool,
    shared: &Shared,
    client: &mut Client,
    random: &mut Random,
) -> Held {
    let received = Instant::now();
    let end = sent + span(lease.held.as_ref()) + span(lease.valid_for.as_ref());
    let of = |at| shared.epoch.of(at);
    let mut held =
        Held { capped, permits: lease.permits, sent: of(sent), received: of(received), until: of(end) };
    if random.percent(25) {
        return held;
    }
    pass(Duration::from_millis(random.between(0, 300))).await;
    let (now, is_final) = (Instant::now(), random.percent(80));
    if now >= end {
        return held;
    }
    let returned = if random.percent(30) { random.between(0, lease.permits.into()) } else { 0 };
    let returned = u32::try_from(returned).expect("small");
    held.permits -= returned;
    if is_final {
        held.until = of(now);
    }
    let settle = v1::SettleLeaseRequest {
        workspace: WORKSPACE.into(),
        team: TEAMS[usize::from(!capped)].into(),
        lease_id: lease.lease_id.clone(),
        used_permits: if is_final { held.permits } else { 0 },
        returned_permits: returned,
        is_final,
        ..Default::default()
    };
    // Whether it arrives or not: what was returned is not used.
    let _ = client.settle_lease(settle).await;
    held
}

/// Nothing changes any more: somebody is served before the longest windows, of now and of before, and a little time are over.
async fn is_served_soon(shared: &Shared, longest: Duration) {
    let (mut granted, begun) = (0, Instant::now());
    let at = shared.epoch.of(begun);
    while granted == 0 {
        assert!(
            begun.elapsed() < longest + LATE,
            "nobody was served for {:?} after a change",
            begun.elapsed()
        );
        pass(Duration::from_millis(50)).await;
        shared.note(|seen| granted = seen.leases.iter().filter(|lease| lease.received > at).count());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_policy_no_window_is_granted_twice_and_somebody_is_served_soon() {
    let mut server = Reshaping::start(8).await;
    let (shared, stop) = (server.shared(), Arc::<AtomicBool>::default());
    let holders: Vec<_> =
        (0..HOLDERS).map(|number| tokio::spawn(hold(number, shared.clone(), Arc::clone(&stop)))).collect();
    let mut random = Random::new(88);
    for _ in 0..4 {
        let (begun, mut longest) = (Instant::now(), Duration::ZERO);
        while begun.elapsed() < STORM {
            longest = longest.max(server.longest_window());
            pass(Duration::from_millis(random.between(200, 1_900))).await;
            server.happen().await;
        }
        is_served_soon(&shared, longest.max(server.longest_window())).await;
    }
    stop.store(true, Ordering::Relaxed);
    for holder in holders {
        holder.await.expect("it does not panic");
    }
    let restarts = server.restarts;
    server.end();
    shared.note(|seen| {
        let (granted, changes) = (seen.leases.len(), seen.changes());
        println!("{granted} leases, {changes} changes, {restarts} restarts");
        assert!(granted > 100 && changes > 15 && restarts > 8, "{granted}, {changes}, {restarts}");
        let excesses = seen.excesses();
        assert!(excesses.is_empty(), "{} in excess: {}", excesses.len(), excesses.join("\n"));
    });
}
