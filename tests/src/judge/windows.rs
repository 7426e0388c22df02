//! No window above its budget, no team above its cap, no grant while a window is closed.

use apportion_core::scenario::{Record, Scenario};

use super::charges::{Charged, opens_after, start_of, walk};

/// Every grant lies in its own window, after its margin and before its guard unless it is an edge permit and policy allows
/// that, and none comes before the first window has started.
///
/// # Errors
/// The first grant that does not.
pub fn grants_only_while_open(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    let limit = &scenario.policy.limits[0];
    for record in log {
        let Record::Grant { at, window, priority, edge, .. } = record else { continue };
        let (start, end) = (start_of(scenario, *window), start_of(scenario, *window) + limit.window);
        let is_open = start + opens_after(scenario) <= *at && *at <= end - limit.margins.guard;
        let is_inside = *window < scenario.windows && start <= *at && *at < end;
        let is_allowed = is_open != *edge && (is_open || scenario.policy.has_edges(*priority));
        if !is_inside || !is_allowed {
            return Err(format!("granted while closed: {record:?}"));
        }
    }
    Ok(())
}

/// No window's net grants exceed its budget, nor what is left of it by a response of the provider.
///
/// # Errors
/// The first grant that does.
pub fn never_above_the_budget(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    walk(scenario, log, |charges, _, n, edge| {
        let over = |charged: &Charged, budget: i64| charged.permits + n > budget;
        if over(&charges.this, charges.budget) || (edge && over(&charges.next, charges.next_budget)) {
            return Err(format!("{n} permits above the budget"));
        }
        Ok(())
    })
}

/// No grant takes a team on its path above the cap in force.
///
/// # Errors
/// The first grant that does.
pub fn caps_kept(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    walk(scenario, log, |charges, leaf, n, edge| {
        for &team in &charges.paths[leaf] {
            let granted =
                charges.this.granted[team].max(if edge { charges.next.granted[team] } else { 0 }) + n;
            if charges.caps[team].is_some_and(|cap| granted > cap) {
                return Err(format!("team {team} above its cap: {granted} of {:?}", charges.caps[team]));
            }
        }
        Ok(())
    })
}
