//! Waits for what a follower of keys reports.

use std::time::Duration;

use apportion_server::store::etcd::{Follow, SeenKeys};

/// Longest time until a report.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads reports until `is_it` holds for one.
pub async fn until_seen(follow: &mut Follow, is_it: impl Fn(&SeenKeys) -> bool) -> SeenKeys {
    loop {
        let next = tokio::time::timeout(PATIENCE, follow.next()).await;
        let seen = next.expect("a report in time").expect("it goes on");
        if is_it(&seen) {
            return seen;
        }
    }
}
