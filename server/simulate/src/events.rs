//! From the keys of `events` to checked events, and what each does to the policy.

use crate::extent::Extent;
use crate::fault::{Checked, Fault};
use crate::format;
use crate::workspace::{permits, team, team_id};
use apportion_core::ids::TeamId;
use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::scenario::{Change, Event, amend};
use std::collections::BTreeSet;

/// Most events of one run.
const EVENTS_MAX: usize = 10_000;

/// Reads all events, in file order. Adds new teams to `extent`; `tags` are those of the demand.
pub(crate) fn events(
    extent: &mut Extent,
    policy: &Policy,
    from: &[format::EventEntry],
    tags: &BTreeSet<&str>,
) -> Checked<Vec<Event>> {
    if from.len() > EVENTS_MAX {
        return Err(Fault::new("events", format!("too many events, at most {EVENTS_MAX}")));
    }
    for (place, event) in from.iter().enumerate() {
        if let Some(added) = &event.add_team {
            let TeamPolicy { id, parent, .. } = team(&format!("events[{place}].add_team"), added)?;
            extent.add_team(&id, parent.as_ref())?;
        }
    }
    let mut events = Vec::new();
    for (place, event) in from.iter().enumerate() {
        let field = format!("events[{place}]");
        let at = extent.instant(&format!("{field}.at_s"), event.at_s)?;
        events.push(Event { at, what: change(extent, &field, event, tags)? });
    }
    check_order(policy, &events)?;
    Ok(events)
}

/// The only key of an event besides `at_s`, or the fault that there is another number of them.
fn only_key(field: &str, event: &format::EventEntry) -> Checked<&'static str> {
    let keys = [
        ("set_team", event.set_team.is_some()),
        ("add_team", event.add_team.is_some()),
        ("remove_team", event.remove_team.is_some()),
        ("set_budget", event.set_budget.is_some()),
        ("return", event.give_back.is_some()),
        ("upstream", event.upstream.is_some()),
        ("cancel", event.cancel.is_some()),
    ];
    let given: Vec<_> = keys.iter().filter_map(|&(key, given)| given.then_some(key)).collect();
    match given[..] {
        [only] => Ok(only),
        [_, second, ..] => Err(Fault::new(format!("{field}.{second}"), "an event is one thing that happens")),
        [] => {
            let names = keys.map(|(key, _)| format!("`{key}`")).join(", ");
            Err(Fault::new(field, format!("needs one of {names}")))
        }
    }
}

fn change(
    extent: &mut Extent,
    field: &str,
    event: &format::EventEntry,
    tags: &BTreeSet<&str>,
) -> Checked<Change> {
    let field = format!("{field}.{}", only_key(field, event)?);
    if let Some(set) = &event.set_team {
        return set_team(extent, &field, set);
    }
    if let Some(added) = &event.add_team {
        return Ok(Change::AddTeam(team(&field, added)?));
    }
    if let Some(id) = &event.remove_team {
        let id = team_id(&field, id)?;
        extent.check_team(&field, &id)?;
        return Ok(Change::RemoveTeam { id });
    }
    if let Some(set) = &event.set_budget {
        return set_budget(extent, &field, set);
    }
    if let Some(back) = &event.give_back {
        return give_back(extent, &field, back);
    }
    if let Some(response) = &event.upstream {
        return upstream(extent, &field, response);
    }
    let tag = event.cancel.clone().unwrap_or_default();
    if !tags.contains(tag.as_str()) {
        return Err(Fault::new(field, format!("no demand has the tag {tag:?}")));
    }
    Ok(Change::Cancel { tag })
}

fn set_team(extent: &Extent, field: &str, set: &format::SetTeam) -> Checked<Change> {
    let sub = |key: &str| format!("{field}.{key}");
    let id = team_id(&sub("id"), &set.id)?;
    extent.check_team(&sub("id"), &id)?;
    let cap = match set.cap {
        Some(Some(cap)) => Some(Some(permits(&sub("cap"), cap)?)),
        Some(None) => Some(None),
        None => None,
    };
    Ok(Change::SetTeam {
        id,
        weight: set.weight.map(|weight| weight.0),
        reservation: set.reservation.map(|n| permits(&sub("reservation"), n)).transpose()?,
        cap,
        priority: set.priority.map(Into::into),
        highest_priority: set.highest_priority.map(Into::into),
    })
}

fn set_budget(extent: &mut Extent, field: &str, set: &format::SetBudget) -> Checked<Change> {
    let limit = extent.limit(&format!("{field}.limit"), set.limit.as_deref())?;
    let budget = permits(field, set.permits)?;
    if budget.is_zero() {
        return Err(Fault::new(field, "a budget is at least 1"));
    }
    if limit == extent.primary.id {
        extent.add_grantable(u64::from(budget.less(extent.primary.permits)) * u64::from(extent.windows));
    }
    Ok(Change::SetBudget { limit, permits: budget })
}

fn give_back(extent: &mut Extent, field: &str, back: &format::GiveBack) -> Checked<Change> {
    let team = team_id(&format!("{field}.team"), &back.team)?;
    extent.check_leaf(&format!("{field}.team"), &team)?;
    let permits = permits(&format!("{field}.permits"), back.permits)?;
    if permits.is_zero() {
        return Err(Fault::new(format!("{field}.permits"), "must be at least 1"));
    }
    extent.add_grantable(permits.into());
    Ok(Change::Return { team, permits })
}

fn upstream(extent: &mut Extent, field: &str, response: &format::Upstream) -> Checked<Change> {
    let sub = |key: &str| format!("{field}.{key}");
    let limit = extent.limit(&sub("limit"), response.limit.as_deref())?;
    let remaining = response.remaining.map(|n| permits(&sub("remaining"), n)).transpose()?;
    let budget = response.permits.map(|n| permits(&sub("permits"), n)).transpose()?;
    if remaining.is_none() && budget.is_none() && !response.throttled {
        return Err(Fault::new(field, "a response says `remaining`, `permits` or `throttled`"));
    }
    Ok(Change::Upstream { limit, remaining, permits: budget, throttled: response.throttled })
}

/// Applies the changes of the policy in order of time, and checks its rules after each.
fn check_order(policy: &Policy, events: &[Event]) -> Checked<()> {
    let mut policy = policy.clone();
    let mut order: Vec<_> = events.iter().enumerate().collect();
    order.sort_by_key(|(_, event)| event.at);
    for (place, event) in order {
        let (key, id) = match &event.what {
            Change::SetTeam { id, .. } => ("set_team.id", Some(id)),
            Change::RemoveTeam { id } => ("remove_team", Some(id)),
            Change::AddTeam(_) => ("add_team", None),
            _ => continue,
        };
        let field = format!("events[{place}].{key}");
        let known = |id: &TeamId| policy.teams.iter().any(|team| team.id == *id);
        if let Some(id) = id.filter(|&id| !known(id)) {
            return Err(Fault::new(field, format!("there is no team {id:?} at that time")));
        }
        if policy.teams.iter().any(|team| id.is_some() && key == "remove_team" && team.parent.as_ref() == id)
        {
            return Err(Fault::new(field, "the team has child teams: remove them first"));
        }
        apply(&mut policy, &event.what);
        policy.check().map_err(|error| {
            let fault = Fault::of_policy("", &policy, &error);
            let key = fault.field.rsplit('.').next().unwrap_or_default();
            let what = if id.is_some() { "set_team" } else { "add_team" };
            Fault::new(format!("events[{place}].{what}.{key}"), fault.rule)
        })?;
    }
    Ok(())
}

/// What a change does to the policy. Budgets change at the next window, which is not handled here.
pub(crate) fn apply(policy: &mut Policy, change: &Change) {
    if !matches!(change, Change::SetBudget { .. }) {
        amend(policy, change);
    }
}
