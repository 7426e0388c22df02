//! Processes under test: started on the loopback with free ports, called as any client would call them, stopped, frozen and killed.
//!
//! Nothing here knows the core: grants are judged by the provider's own count.

pub mod status;
pub mod wire;

pub mod child;
pub mod program;
pub mod site;

pub mod authority;

pub mod server;

pub mod http2;
pub mod probe;
pub mod scarce;
pub mod steady;
pub mod teams;

pub mod call;
pub mod log;

pub mod load;
pub mod worker;

pub mod nodes;

pub mod policy_changes;

use std::time::{Duration, SystemTime};

use crate::provider::{Report, Rules};

/// Waits for that long: no test can move the time of real processes.
pub async fn pass(span: Duration) {
    tokio::time::sleep(span).await;
}

/// Waits until `offset` after the start of a window of the provider: of this one, or of the next if that has passed.
pub async fn pass_to(rules: &Rules, offset: Duration) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let length = Duration::from_millis(rules.window_ms);
    let since = (now + length - Duration::from_millis(rules.phase_ms)).as_nanos() % length.as_nanos();
    let since = Duration::from_nanos(u64::try_from(since).expect("shorter than a window"));
    pass(if since <= offset { offset - since } else { length + offset - since }).await;
}

/// Fails if the provider counted a request above its limit, or throttled one.
pub fn nothing_throttled(report: &Report) {
    let total = report.total;
    assert!(total.arrivals > 0, "nothing arrived");
    assert_eq!((total.over_limit, total.throttled), (0, 0), "{}", windows(report));
}

/// The most requests that the provider accepted in one of its windows.
pub fn most_accepted(report: &Report) -> u64 {
    report.windows.iter().map(|window| window.tally.accepted).max().unwrap_or(0)
}

/// What was counted, window by window, as text.
pub fn windows(report: &Report) -> String {
    let all = report.windows.iter().chain([&report.open]);
    let each = all.map(|window| {
        let (at, tally) = (window.start_ns / 1_000_000 % 1_000_000, window.tally);
        format!(
            "{at} ms: {} accepted, {} throttled, {} external, limit {}",
            tally.accepted, tally.throttled, window.external, window.limit
        )
    });
    each.collect::<Vec<_>>().join("\n")
}
