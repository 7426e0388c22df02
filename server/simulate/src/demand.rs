//! From the keys of `demand` to checked demands.

use crate::decimal::{Decimal, Whole};
use crate::extent::Extent;
use crate::fault::{Checked, Fault};
use crate::format;
use crate::workspace::{permits, span, team_id};
use apportion_core::ids::CallerId;
use apportion_core::permits::Permits;
use apportion_core::scenario::{Arrivals, BACKLOG, Demand};

/// The caller of a demand that names none.
pub(crate) const ONLY_CALLER: &str = "default";
/// Most callers of one demand.
const CALLERS_MAX: u32 = 10_000;
/// Most demands, those of several callers counted for each.
const DEMANDS_MAX: usize = 100_000;
/// Most requests of one run.
const REQUESTS_MAX: u64 = 5_000_000;

/// Reads all demands, in file order; one of several callers becomes one for each.
pub(crate) fn demands(extent: &Extent, from: &[format::DemandEntry]) -> Checked<Vec<Demand>> {
    let mut all = Vec::new();
    let mut asked = 0_u64;
    for (place, demand) in from.iter().enumerate() {
        let field = format!("demand[{place}]");
        let one = read(extent, &field, demand)?;
        for caller in callers(&field, demand)? {
            asked = asked.saturating_add(requests(&one, extent.windows));
            all.push(Demand { caller, ..one.clone() });
        }
        if all.len() > DEMANDS_MAX {
            return Err(Fault::new(field, format!("too many demands, at most {DEMANDS_MAX}")));
        }
        if asked > REQUESTS_MAX {
            return Err(Fault::new(field, format!("the run is too large: at most {REQUESTS_MAX} requests")));
        }
    }
    extent.check_grants(&all, asked, REQUESTS_MAX)?;
    Ok(all)
}

fn read(extent: &Extent, field: &str, demand: &format::DemandEntry) -> Checked<Demand> {
    let sub = |key: &str| format!("{field}.{key}");
    let team = team_id(&sub("team"), &demand.team)?;
    extent.check_leaf(&sub("team"), &team)?;
    let (wanted, least) = amounts(field, demand)?;
    Ok(Demand {
        team,
        caller: caller(&sub("caller"), ONLY_CALLER)?,
        priority: demand.priority.map(Into::into),
        permits: wanted,
        min_permits: least,
        max_wait: demand.max_wait_s.map(|seconds| span(&sub("max_wait_s"), seconds)).transpose()?,
        tag: demand.tag.clone(),
        shape: shape(extent, field, demand)?,
    })
}

fn amounts(field: &str, demand: &format::DemandEntry) -> Checked<(Permits, Permits)> {
    let wanted = permits(&format!("{field}.permits"), demand.permits)?;
    if wanted.is_zero() {
        return Err(Fault::new(format!("{field}.permits"), "a request is for at least 1 permit"));
    }
    let key = format!("{field}.min_permits");
    let least = demand.min_permits.map(|n| permits(&key, n)).transpose()?.unwrap_or(wanted);
    if least.is_zero() || least > wanted {
        return Err(Fault::new(key, format!("must be from 1 to `permits`, {wanted}")));
    }
    Ok((wanted, least))
}

fn callers(field: &str, demand: &format::DemandEntry) -> Checked<Vec<CallerId>> {
    let key = format!("{field}.callers");
    match (&demand.caller, demand.callers) {
        (Some(_), Some(_)) => Err(Fault::new(key, "stands beside `caller`: give one or the other")),
        (_, Some(Whole(n))) if !(1..=CALLERS_MAX).contains(&n) => {
            Err(Fault::new(key, format!("must be from 1 to {CALLERS_MAX}")))
        }
        (_, Some(Whole(n))) => (0..n).map(|i| caller(&key, &format!("caller-{i}"))).collect(),
        (name, None) => {
            let name = name.as_deref().unwrap_or(ONLY_CALLER);
            Ok(vec![caller(&format!("{field}.caller"), name)?])
        }
    }
}

fn caller(field: &str, name: &str) -> Checked<CallerId> {
    CallerId::new(name).map_err(|error| Fault::new(field, error.to_string()))
}

/// The shapes by their leading key, and the keys that belong to each.
const SHAPES: [(&str, &[&str]); 4] = [
    ("backlog_from_s", &["backlog_from_s"]),
    ("count", &["count", "at_s"]),
    ("per_window", &["per_window", "windows"]),
    ("workers", &["workers", "think_s", "from_s"]),
];

fn shape(extent: &Extent, field: &str, demand: &format::DemandEntry) -> Checked<Arrivals> {
    let given = keys(demand);
    let leading: Vec<_> = SHAPES.iter().filter(|(leading, _)| given.contains(leading)).collect();
    let [(_, allowed)] = leading[..] else {
        let rule = "needs exactly one of `backlog_from_s`, `count`, `per_window`, `workers`";
        let field = leading.get(1).map_or(field.to_string(), |(second, _)| format!("{field}.{second}"));
        return Err(Fault::new(field, rule));
    };
    if let Some(stray) = given.iter().find(|key| !allowed.contains(key)) {
        return Err(Fault::new(format!("{field}.{stray}"), format!("does not go with `{}`", allowed[0])));
    }
    let sub = |key: &str| format!("{field}.{key}");
    let instant = |key: &str, at: Option<Decimal>| match at {
        Some(at) => extent.instant(&sub(key), at),
        None => Err(Fault::new(sub(key), format!("is missing beside `{}`", allowed[0]))),
    };
    if let Some(from) = demand.backlog_from_s {
        return Ok(Arrivals::Backlog { from: instant("backlog_from_s", Some(from))? });
    }
    if let Some(n) = demand.count {
        return Ok(Arrivals::Once { count: count(&sub("count"), n)?, at: instant("at_s", demand.at_s)? });
    }
    if let Some(n) = demand.per_window {
        let windows =
            demand.windows.as_ref().map(|list| windows(extent, &sub("windows"), list)).transpose()?;
        return Ok(Arrivals::PerWindow { count: count(&sub("per_window"), n)?, windows });
    }
    let workers = demand.workers.unwrap_or(Whole(0));
    let Some(think) = demand.think_s else {
        return Err(Fault::new(sub("think_s"), "is missing beside `workers`"));
    };
    Ok(Arrivals::Workers {
        count: count(&sub("workers"), workers)?,
        think: span(&sub("think_s"), think)?,
        from: instant("from_s", demand.from_s)?,
    })
}

fn keys(demand: &format::DemandEntry) -> Vec<&'static str> {
    [
        ("backlog_from_s", demand.backlog_from_s.is_some()),
        ("count", demand.count.is_some()),
        ("at_s", demand.at_s.is_some()),
        ("per_window", demand.per_window.is_some()),
        ("windows", demand.windows.is_some()),
        ("workers", demand.workers.is_some()),
        ("think_s", demand.think_s.is_some()),
        ("from_s", demand.from_s.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect()
}

fn count(field: &str, n: Whole) -> Checked<u32> {
    if n.0 == 0 { Err(Fault::new(field, "must be at least 1")) } else { Ok(n.0) }
}

fn windows(extent: &Extent, field: &str, list: &[Whole]) -> Checked<Vec<u32>> {
    if list.len() > usize::try_from(extent.windows).unwrap_or(usize::MAX) {
        return Err(Fault::new(field, "lists more windows than are played"));
    }
    list.iter()
        .enumerate()
        .map(|(place, &window)| extent.window(&format!("{field}[{place}]"), window))
        .collect()
}

/// How many requests a demand makes by itself, whatever is granted.
fn requests(demand: &Demand, windows: u32) -> u64 {
    match &demand.shape {
        Arrivals::Backlog { .. } => u64::from(BACKLOG),
        Arrivals::Once { count, .. } | Arrivals::Workers { count, .. } => u64::from(*count),
        Arrivals::PerWindow { count, windows: None } => u64::from(*count) * u64::from(windows),
        Arrivals::PerWindow { count, windows: Some(list) } => {
            u64::from(*count).saturating_mul(u64::try_from(list.len()).unwrap_or(u64::MAX))
        }
    }
}
