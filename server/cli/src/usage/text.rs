//! Reports as a table for people.

use super::args::{Args, Grouping};
use super::words::{priority, reason, time, total_wait};
use crate::terminal;
use apportion_proto::v1;

/// What stands for all teams or callers that have no row of their own.
const OTHERS: &str = "(others)";

/// Prints the reports, one table for each.
pub(super) fn print(args: &Args, reports: &[v1::UsageReport]) {
    if reports.is_empty() {
        return terminal::line("nothing was used in that time");
    }
    for report in reports {
        let (from, until) = (time(report.start_time.as_ref()), time(report.end_time.as_ref()));
        terminal::line(&format!("{}, {from} to {until}", args.workspace));
        terminal::table(&table(args.by, &report.rows));
    }
}

fn table(by: Grouping, rows: &[v1::UsageRow]) -> Vec<Vec<String>> {
    let about = match by {
        Grouping::Team => vec!["TEAM"],
        Grouping::Caller => vec!["TEAM", "CALLER"],
        Grouping::Priority => vec!["TEAM", "PRIORITY"],
    };
    let counted = ["GRANTED", "PERMITS", "RETURNED", "WAITED", "MEAN WAIT", "REFUSED", "REASONS"];
    let heads = about.into_iter().chain(counted).map(String::from).collect();
    std::iter::once(heads).chain(rows.iter().map(|row| line(by, row))).collect()
}

fn line(by: Grouping, row: &v1::UsageRow) -> Vec<String> {
    let named = |name: &str| if name.is_empty() { OTHERS.to_owned() } else { name.to_owned() };
    let mut line = vec![named(&row.team)];
    match by {
        Grouping::Team => {}
        Grouping::Caller => line.push(named(&row.caller)),
        Grouping::Priority => line.push(priority(row).unwrap_or_else(|| "-".into())),
    }
    let reasons =
        row.refused.iter().map(|refused| format!("{} {}", reason(refused.reason), refused.requests));
    line.extend([
        row.granted_requests.to_string(),
        row.granted_permits.to_string(),
        row.returned_permits.to_string(),
        row.waited_requests.to_string(),
        mean_wait(row),
        row.refused_requests.to_string(),
        reasons.collect::<Vec<_>>().join(", "),
    ]);
    line
}

/// The mean wait of the requests that waited.
fn mean_wait(row: &v1::UsageRow) -> String {
    match row.waited_requests {
        0 => "-".into(),
        #[allow(clippy::cast_precision_loss, reason = "a mean for display")]
        waited => format!("{:.3} s", total_wait(row) / waited as f64),
    }
}
