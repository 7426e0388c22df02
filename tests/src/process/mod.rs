//! Processes under test: started on the loopback with free ports, called as any client would, stopped, frozen and killed.
//!
//! Nothing here knows the core: what is granted is judged by the provider's own count.

pub mod call;
pub mod child;
pub mod leases;
pub mod load;
pub mod log;
pub mod reshaping;
pub mod scarce;
pub mod server;
pub mod steady;
pub mod teams;

use std::time::{Duration, SystemTime};

use crate::provider::{Report, Rules};

/// Waits for that long. What runs in real processes has its own time, which no test can move.
pub async fn pass(span: Duration) {
    tokio::time::sleep(span).await;
}

/// Waits for the moment that lies so far inside a window of the provider: this one, if it did not pass yet, or the next.
pub async fn pass_to(rules: &Rules, into: Duration) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let length = Duration::from_millis(rules.window_ms);
    let since = (now + length - Duration::from_millis(rules.phase_ms)).as_nanos() % length.as_nanos();
    let since = Duration::from_nanos(u64::try_from(since).expect("shorter than a window"));
    pass(if since <= into { into - since } else { length + into - since }).await;
}

/// Fails if the provider counted a single request above its limit, or refused one.
pub fn nothing_throttled(report: &Report) {
    let total = report.total;
    assert!(total.arrivals > 0, "nothing arrived");
    assert_eq!((total.over_limit, total.throttled), (0, 0), "{}", windows(report));
}

/// What was counted, window by window, for people.
pub fn windows(report: &Report) -> String {
    let all = report.windows.iter().chain([&report.open]);
    let each = all.map(|window| {
        let (at, of) = (window.start_ns / 1_000_000 % 1_000_000, window.tally);
        format!(
            "{at} ms: {} accepted, {} throttled, {} of others, limit {}",
            of.accepted, of.throttled, window.others, window.limit
        )
    });
    each.collect::<Vec<_>>().join("\n")
}
