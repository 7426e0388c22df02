//! Reports of what was used, for those who may watch the workspace.

use super::authorize::{Action, Identity};
use super::gate;
use crate::convert::field::{name_or, optional_name};
use crate::convert::lease::DEFAULT_NAME;
use crate::convert::priority::wire_priority;
use crate::convert::time::{duration, instant, timestamp};
use crate::engine::{UsageCounts, UsageKey};
use crate::error::{Error, FieldError};
use crate::store::Store;
use crate::store::catalog::workspace_key;
use crate::usage::{Query, QueryError, Resolution, UsageReport, query};
use apportion_core::ids::TeamId;
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use std::sync::Arc;

/// How far back a query goes that does not say so.
const SINCE: Span = Span::from_secs(3_600);

/// Reads usage.
#[derive(Clone)]
pub(super) struct UsageCalls(Arc<dyn Store>);

impl std::fmt::Debug for UsageCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageCalls").finish_non_exhaustive()
    }
}

impl UsageCalls {
    /// Reads usage from this store.
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// What was used of a workspace.
    ///
    /// # Errors
    /// [`Error::Field`], [`Error::PermissionDenied`], [`Error::UnknownWorkspace`], or that the store cannot be read.
    pub(super) async fn of(
        &self,
        who: &Identity,
        request: &v1::QueryUsageRequest,
        now: Timestamp,
    ) -> Result<v1::QueryUsageResponse, Error> {
        let asked = asked(request, now)?;
        gate::check(who, Action::Read, Some(&asked.workspace), &[])?;
        let (store, shape) = (Arc::clone(&self.0), asked.clone());
        let read = tokio::task::spawn_blocking(move || {
            let is_known = store.read(&workspace_key(asked.workspace.as_str()))?.is_some();
            Ok::<_, QueryError>(if is_known { Some(query(&*store, &asked)?) } else { None })
        });
        let reports = match read.await {
            Ok(Ok(reports)) => reports.ok_or(Error::UnknownWorkspace)?,
            Ok(Err(error @ QueryError::TooMuch)) => {
                return Err(FieldError::new("resolution", error.to_string()).into());
            }
            Ok(Err(QueryError::Store(error))) => {
                tracing::error!(%error, "usage cannot be read");
                return Err(Error::StoreLost);
            }
            Err(_) => return Err(Error::Internal("reading usage panicked")),
        };
        Ok(v1::QueryUsageResponse { reports: reports.iter().map(|it| wire_report(it, &shape)).collect() })
    }
}

/// The query of a request.
fn asked(request: &v1::QueryUsageRequest, now: Timestamp) -> Result<Query, FieldError> {
    let at = |path, time: &Option<_>, default| time.as_ref().map_or(Ok(default), |time| instant(path, time));
    let until = at("end_time", &request.end_time, now)?;
    let from = at("start_time", &request.start_time, until - SINCE)?;
    if until <= from {
        return Err(FieldError::new("end_time", "must be after start_time".to_owned()));
    }
    let unknown =
        |path: &str, number: i32| FieldError::new(path, format!("{number} is not a value of this field"));
    let grouping = v1::UsageGrouping::try_from(request.group_by);
    let grouping = grouping.map_err(|_| unknown("group_by", request.group_by))?;
    let each = v1::UsageResolution::try_from(request.resolution);
    let each = match each.map_err(|_| unknown("resolution", request.resolution))? {
        v1::UsageResolution::Unspecified => None,
        v1::UsageResolution::Minute => Some(Resolution::Minutes),
        v1::UsageResolution::Hour => Some(Resolution::Hours),
        v1::UsageResolution::Day => Some(Resolution::Days),
    };
    let team: Option<TeamId> = optional_name("team", &request.team)?;
    Ok(Query {
        workspace: name_or("workspace", &request.workspace, DEFAULT_NAME)?,
        from,
        until,
        now,
        each,
        team: team.map(|team| team.to_string()),
        by_caller: grouping == v1::UsageGrouping::Caller,
        by_priority: grouping == v1::UsageGrouping::Priority,
    })
}

fn wire_report(report: &UsageReport, query: &Query) -> v1::UsageReport {
    v1::UsageReport {
        start_time: Some(timestamp(report.from)),
        end_time: Some(timestamp(report.until)),
        rows: report.rows.iter().map(|(key, counts)| row(key, counts, query.by_priority)).collect(),
    }
}

fn row(key: &UsageKey, counts: &UsageCounts, by_priority: bool) -> v1::UsageRow {
    let refused = counts.refused.iter().map(|(reason, requests)| {
        let reason = v1::Reason::from_str_name(&format!("REASON_{reason}")).unwrap_or_default();
        v1::RefusedUsage { reason: reason.into(), requests: *requests }
    });
    v1::UsageRow {
        team: key.team.clone(),
        caller: key.caller.clone(),
        priority: if by_priority { wire_priority(key.priority).into() } else { 0 },
        granted_requests: counts.granted_requests,
        granted_permits: counts.granted_permits,
        returned_permits: counts.returned_permits,
        waited_requests: counts.waited_requests,
        total_wait: Some(duration(Span::from_ns(counts.waited_ns))),
        refused_requests: counts.refused.iter().map(|(_, requests)| requests).sum(),
        refused: refused.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ns(1 << 60);

    #[test]
    fn a_query_without_fields_is_about_the_last_hour_of_the_default_workspace() {
        let asked = asked(&v1::QueryUsageRequest::default(), NOW).expect("it is allowed");
        assert_eq!((asked.workspace.as_str(), asked.from, asked.until), ("default", NOW - SINCE, NOW));
        assert_eq!((asked.each, asked.team, asked.by_caller), (None, None, false));
    }

    #[test]
    fn a_query_that_ends_before_it_starts_is_refused_and_so_are_unknown_values() {
        let refused = |request: &v1::QueryUsageRequest| asked(request, NOW).expect_err("refused").to_string();
        let later = Some(timestamp(NOW + Span::from_secs(1)));
        let backwards = v1::QueryUsageRequest { start_time: later, ..Default::default() };
        assert_eq!(refused(&backwards), "end_time: must be after start_time");
        let unknown = v1::QueryUsageRequest { group_by: 9, ..Default::default() };
        assert_eq!(refused(&unknown), "group_by: 9 is not a value of this field");
    }
}
