//! What a remembered request id costs. The only test of its file: it measures the memory of its process.

use apportion_core::allocator::{Allocator, Effect};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, RequestId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::request::Ask;
use apportion_core::time::{Span, Timestamp};

const COUNT: u32 = 400_000;
const START: Timestamp = Timestamp::from_ns(600_000_000_000);

/// The memory of this process that is in use, in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("a system that tells");
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line for it");
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok());
    kib.expect("a number of KiB") * 1024
}

/// A workspace in which that many leases are open, each asked for under an id if `named`: as long as one in hexadecimal.
fn busy(named: bool) -> Allocator {
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
            request_id: named.then(|| RequestId::new(&id).expect("a name")),
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
fn a_remembered_request_id_takes_a_hundred_and_fifty_bytes_at_most() {
    let begun = memory();
    let without = busy(false);
    let between = memory();
    let with = busy(true);
    let each = ((memory() - between) - (between - begun)) / COUNT as usize;
    println!("{each} bytes for each");
    assert!((20..=150).contains(&each), "{each} bytes for each id of {} and {}", without.left(), with.left());
}
