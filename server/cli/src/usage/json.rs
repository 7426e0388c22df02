//! Reports for programs, in JSON; waits in seconds.

use super::words::{priority, reason, time, total_wait};
use apportion_proto::v1;
use serde_json::{Map, Value, json};

/// The reports for programs.
pub(super) fn json(workspace: &str, reports: &[v1::UsageReport]) -> Value {
    let report = |report: &v1::UsageReport| {
        json!({
            "start_time": time(report.start_time.as_ref()),
            "end_time": time(report.end_time.as_ref()),
            "rows": report.rows.iter().map(row).collect::<Vec<_>>(),
        })
    };
    json!({ "workspace": workspace, "reports": reports.iter().map(report).collect::<Vec<_>>() })
}

fn row(row: &v1::UsageRow) -> Value {
    let refused =
        row.refused.iter().map(|refused| (reason(refused.reason).to_owned(), json!(refused.requests)));
    json!({
        "team": row.team,
        "caller": row.caller,
        "priority": priority(row),
        "granted_requests": row.granted_requests,
        "granted_permits": row.granted_permits,
        "returned_permits": row.returned_permits,
        "waited_requests": row.waited_requests,
        "total_wait_s": total_wait(row),
        "refused_requests": row.refused_requests,
        "refused": refused.collect::<Map<_, _>>(),
    })
}
