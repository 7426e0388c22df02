//! `apportion usage`: who used what.

mod args;
mod words;

mod json;
mod text;

use crate::connection::refused;
use crate::terminal;
use apportion_proto::v1;
pub(crate) use args::Args;
use args::{Grouping, Interval};
use std::time::SystemTime;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let reports = runtime.map_err(|error| error.to_string())?.block_on(reports(args))?;
    if args.connection.json {
        terminal::json(&json::json(&args.workspace, &reports));
    } else {
        text::print(args, &reports);
    }
    Ok(true)
}

async fn reports(args: &Args) -> Result<Vec<v1::UsageReport>, String> {
    let start = SystemTime::now().checked_sub(args.since).unwrap_or(SystemTime::UNIX_EPOCH);
    let group_by = match args.by {
        Grouping::Team => v1::UsageGrouping::Team,
        Grouping::Caller => v1::UsageGrouping::Caller,
        Grouping::Priority => v1::UsageGrouping::Priority,
    };
    let resolution = match args.each {
        None => v1::UsageResolution::Unspecified,
        Some(Interval::Minute) => v1::UsageResolution::Minute,
        Some(Interval::Hour) => v1::UsageResolution::Hour,
        Some(Interval::Day) => v1::UsageResolution::Day,
    };
    let request = v1::QueryUsageRequest {
        workspace: args.workspace.clone(),
        start_time: Some(start.max(SystemTime::UNIX_EPOCH).into()),
        end_time: None,
        group_by: group_by.into(),
        resolution: resolution.into(),
        team: args.team.clone().unwrap_or_default(),
    };
    let mut client = args.connection.quota().await?;
    let response = client.query_usage(request).await.map_err(|status| refused(&status))?;
    Ok(response.into_inner().reports)
}
