//! The counts of a world that a case can name: `main.granted`, `all.calls`, `provider.arrivals`.

use std::time::{Duration, Instant};

use apportion_tests::process::most_accepted;
use apportion_tests::provider::Report;

use super::payment;
use super::set::{AnyProvider, AnyServer, World, locked};
use crate::provider::ScriptedProvider;
use crate::scripted::leases::GrantedLease;

impl World {
    /// A count by its name.
    ///
    /// # Errors
    /// If there is no such count.
    pub fn count(&self, name: &str) -> Result<i64, String> {
        let (of, what) = name.split_once('.').ok_or_else(|| format!("no dot in {name}"))?;
        let counted = match of {
            "provider" => self.provider_count(what),
            "all" => self.leases_count(what, |_| true).or_else(|| {
                let counts: Option<Vec<_>> =
                    self.servers.keys().map(|name| self.called(name, what)).collect();
                counts.map(|counts| counts.into_iter().sum())
            }),
            server => self
                .leases_count(what, |lease| lease.server == server)
                .filter(|_| self.servers.contains_key(server))
                .or_else(|| self.called(server, what)),
        };
        counted.ok_or_else(|| format!("there is no count {name}"))
    }

    /// The leases that have not been accounted for.
    pub fn open_leases(&self) -> usize {
        locked(&self.leases).all().filter(|lease| !lease.is_settled()).count()
    }

    /// Requests that arrived without a permit.
    pub fn unpaid(&self) -> usize {
        let AnyProvider::Scripted(provider) = &self.provider else { return 0 };
        let arrivals = provider.arrivals();
        payment::unpaid(arrivals.iter().map(|arrival| arrival.at), locked(&self.leases).all())
    }

    fn called(&self, server: &str, what: &str) -> Option<i64> {
        match self.servers.get(server)? {
            AnyServer::Scripted(server) => server.record().count(what).map(number),
            AnyServer::Real(_) => None,
        }
    }

    fn leases_count(&self, what: &str, is_meant: impl Fn(&GrantedLease) -> bool) -> Option<i64> {
        let leases = locked(&self.leases);
        let meant: Vec<_> = leases.all().filter(|lease| is_meant(lease)).collect();
        let sum = |of: fn(&GrantedLease) -> u32| meant.iter().map(|lease| i64::from(of(lease))).sum();
        Some(match what {
            "leases" => number(meant.len()),
            "granted" => sum(|lease| lease.permits),
            "used" => sum(|lease| lease.used),
            "returned" => sum(|lease| lease.returned),
            "returned_in_time" => sum(|lease| lease.returned_in_time),
            "final" => number(meant.iter().filter(|lease| lease.is_final).count()),
            "open" => number(meant.iter().filter(|lease| !lease.is_settled()).count()),
            _ => return None,
        })
    }

    fn provider_count(&self, what: &str) -> Option<i64> {
        match &self.provider {
            AnyProvider::None => None,
            AnyProvider::Limited(provider) => limited(&provider.report(), what),
            AnyProvider::Scripted(_) if what == "unpaid" => Some(number(self.unpaid())),
            AnyProvider::Scripted(provider) => scripted(provider, what),
        }
    }
}

fn scripted(provider: &ScriptedProvider, what: &str) -> Option<i64> {
    let arrivals: Vec<Instant> = provider.arrivals().iter().map(|arrival| arrival.at).collect();
    match what {
        "arrivals" => Some(number(arrivals.len())),
        "connections" => Some(number(provider.connections())),
        _ => most_in(&arrivals, what),
    }
}

/// The most instants within a span, for a name such as `most_in_900ms`.
pub fn most_in(instants: &[Instant], what: &str) -> Option<i64> {
    let ms = what.strip_prefix("most_in_")?.strip_suffix("ms")?.parse().ok()?;
    let span = Duration::from_millis(ms);
    let within = |from: &Instant| instants.iter().filter(|at| *at >= from && **at < *from + span).count();
    Some(number(instants.iter().map(within).max().unwrap_or(0)))
}

fn limited(report: &Report, what: &str) -> Option<i64> {
    let total = report.total;
    Some(match what {
        "arrivals" => number(total.arrivals),
        "over_limit" => number(total.over_limit),
        "throttled" => number(total.throttled),
        "most_in_window" => number(most_accepted(report)),
        "used_percent" => used_percent(report),
        _ => return None,
    })
}

/// How much of the windows between the first and the last with arrivals was used, in percent, rounded down.
fn used_percent(report: &Report) -> i64 {
    let is_busy = |window: &&apportion_tests::provider::report::Window| window.tally.arrivals > 0;
    let busy: Vec<_> = report.windows.iter().filter(is_busy).collect();
    let inner = busy.get(1..busy.len().saturating_sub(1)).unwrap_or_default();
    let limit: u64 = inner.iter().map(|window| window.limit).sum();
    let accepted: u64 = inner.iter().map(|window| window.tally.accepted).sum();
    number((accepted * 100).checked_div(limit).unwrap_or(0))
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
