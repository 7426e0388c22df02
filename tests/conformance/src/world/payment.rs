//! Which requests arrived without a permit: each is paid for by a lease that was asked for before and had not ended.

use std::time::{Duration, Instant};

use crate::scripted::leases::GrantedLease;

/// How long after the end of a lease a request that was sent in time may arrive. Far less than what a client that counts from the
/// wrong instant gains in the cases that judge it.
const TRANSIT: Duration = Duration::from_millis(150);

/// The number of arrivals, in order of time, that no lease pays for. Each takes the lease that ends first, which is best.
pub(super) fn unpaid<'a>(
    arrivals: impl IntoIterator<Item = Instant>,
    leases: impl IntoIterator<Item = &'a GrantedLease>,
) -> usize {
    let mut leases: Vec<(Instant, Instant, u32)> = leases
        .into_iter()
        .map(|lease| (lease.arrived, lease.end() + TRANSIT, lease.permits.saturating_sub(lease.returned)))
        .collect();
    leases.sort_by_key(|(_, end, _)| *end);
    let pays = |at: Instant| {
        let lease = leases.iter_mut().find(|(from, end, left)| *left > 0 && *from <= at && at < *end);
        lease.map(|(_, _, left)| *left -= 1)
    };
    arrivals.into_iter().map(pays).filter(Option::is_none).count()
}
