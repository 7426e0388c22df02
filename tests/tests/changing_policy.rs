//! A minute of changing policy on the running server, with kills right before, during and after changes: the leases that clients hold
//! never exceed a window's budget, and requests are granted again soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_tests::process::pass;
use apportion_tests::process::policy_changes::{ChangingServer, HeldLease, Shared, TEAMS, WORKSPACE};
use apportion_tests::process::wire::{Client, span};
use apportion_tests::world::random::Random;

/// How many clients hold leases, half of them of the team with a cap.
const HOLDERS: u64 = 8;
/// How long changes follow each other, before a pause.
const CHANGES: Duration = Duration::from_secs(13);
/// How much longer than its longest window a policy takes until it grants again: guards and margins of the other limits.
const MARGINS: Duration = Duration::from_secs(2);

/// Acquires leases and settles them soon, late, in part, or never.
async fn hold(number: u64, shared: Shared, stop: Arc<AtomicBool>) {
    let mut random = Random::new(number);
    let team = TEAMS[usize::try_from(number % 2).expect("0 or 1")];
    while !stop.load(Ordering::Relaxed) {
        let mut client = Client::new(shared.server.borrow().clone());
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
                shared.record(|history| history.leases.push(held));
            }
            Err(_) => pass(Duration::from_millis(random.between(5, 60))).await,
        }
    }
}

async fn use_up(
    lease: &v1::Lease,
    sent: Instant,
    is_capped: bool,
    shared: &Shared,
    client: &mut Client,
    random: &mut Random,
) -> HeldLease {
    let received = Instant::now();
    let end = sent + span(lease.held.as_ref()) + span(lease.valid_for.as_ref());
    let at = |instant| shared.clock.at(instant);
    let mut held = HeldLease {
        is_capped,
        permits: lease.permits,
        sent: at(sent),
        received: at(received),
        until: at(end),
    };
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
        held.until = at(now);
    }
    let settle = v1::SettleLeaseRequest {
        workspace: WORKSPACE.into(),
        team: TEAMS[usize::from(!is_capped)].into(),
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

/// Fails unless leases are granted again, while policy does not change, before the longest of the past and present windows is over.
async fn is_served_soon(shared: &Shared, longest: Duration) {
    let (mut granted, started) = (0, Instant::now());
    let at = shared.clock.at(started);
    while granted == 0 {
        assert!(
            started.elapsed() < longest + MARGINS,
            "nothing was granted for {:?} after a change",
            started.elapsed()
        );
        pass(Duration::from_millis(50)).await;
        shared.record(|history| granted = history.leases.iter().filter(|lease| lease.received > at).count());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_policy_changes_no_window_is_granted_twice_and_grants_resume_soon() {
    let mut server = ChangingServer::start(8).await;
    let (shared, stop) = (server.shared(), Arc::<AtomicBool>::default());
    let holders: Vec<_> =
        (0..HOLDERS).map(|number| tokio::spawn(hold(number, shared.clone(), Arc::clone(&stop)))).collect();
    let mut random = Random::new(88);
    for _ in 0..4 {
        let (started, mut longest) = (Instant::now(), Duration::ZERO);
        while started.elapsed() < CHANGES {
            longest = longest.max(server.longest_window());
            pass(Duration::from_millis(random.between(200, 1_900))).await;
            server.step().await;
        }
        is_served_soon(&shared, longest.max(server.longest_window())).await;
    }
    stop.store(true, Ordering::Relaxed);
    for holder in holders {
        holder.await.expect("no panic");
    }
    let restarts = server.restarts;
    server.stop();
    shared.record(|history| {
        let (granted, changes) = (history.leases.len(), history.changes());
        println!("{granted} leases, {changes} changes, {restarts} restarts");
        assert!(granted > 100 && changes > 15 && restarts > 8, "{granted}, {changes}, {restarts}");
        let excesses = history.excesses();
        assert!(excesses.is_empty(), "{} in excess: {}", excesses.len(), excesses.join("\n"));
    });
}
