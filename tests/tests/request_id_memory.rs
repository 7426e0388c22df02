//! The memory of a remembered request id. The only test of its file, since it measures its process.

use apportion_core::allocator::{Allocator, Effect};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, RequestId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::request::Ask;
use apportion_core::time::{Span, Timestamp};
use apportion_tests::memory::resident;

const COUNT: u32 = 400_000;
const START: Timestamp = Timestamp::from_ns(600_000_000_000);

/// A workspace with that many open leases, each requested under an id of 32 hexadecimal digits if `has_ids`.
fn busy(has_ids: bool) -> Allocator {
    let limit = LimitPolicy {
        id: LimitId::new("per-minute").expect("a name"),
        permits: Permits::MAX,
        window: Span::from_secs(60),
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let team = TeamId::new("sync").expect("a name");
    let policy = Policy::plain(limit, vec![TeamPolicy::new(team.clone())]);
    let now = START + Span::from_secs(1);
    let mut allocator = Allocator::new(policy, Bounds::DEFAULT, now).expect("a valid policy");
    let caller = CallerId::new("sync-1").expect("a name");
    for n in 0..COUNT {
        let id = format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let ask = Ask {
            team: team.clone(),
            caller: caller.clone(),
            priority: None,
            permits: Permits::ONE,
            min_permits: Permits::ONE,
            deadline: Timestamp::MAX,
            request_id: has_ids.then(|| RequestId::new(&id).expect("a name")),
        };
        allocator.acquire(now, &ask).expect("it is admitted");
        while let Some(effect) = allocator.next_effect() {
            let Effect::Book { series, window, .. } = effect else { continue };
            allocator.booked(series, window.start.earliest, Permits::ZERO, Permits::MAX);
            allocator.decide(now);
        }
        while allocator.next_answer().is_some() {}
    }
    assert_eq!(allocator.waiting(), 0);
    allocator
}

#[test]
#[cfg(target_os = "linux")]
fn a_remembered_request_id_takes_at_most_150_bytes() {
    let before = resident();
    let without = busy(false);
    let between = resident();
    let with = busy(true);
    let each = ((resident() - between) - (between - before)) / COUNT as usize;
    println!("{each} bytes for each");
    assert!((20..=150).contains(&each), "{each} bytes for each id of {} and {}", without.left(), with.left());
}
