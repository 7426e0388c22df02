//! `apportion audit`.

use crate::connection::{Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use serde_json::json;

/// List changes of workspaces, teams and tokens, newest first
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only changes to this resource and its children, such as workspaces/default
    #[arg(long, default_value = "")]
    resource: String,
    /// Only changes at or after this time, such as 2026-01-31T12:00:00Z
    #[arg(long, value_parser = crate::argument::instant)]
    start_time: Option<prost_types::Timestamp>,
    /// Only changes before this time
    #[arg(long, value_parser = crate::argument::instant)]
    end_time: Option<prost_types::Timestamp>,
    /// Maximum number of entries
    #[arg(long, default_value_t = 100)]
    most: usize,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) async fn run(args: &Args) -> Result<(), String> {
    let mut client = args.connection.client().await?;
    let mut request = v1::ListAuditEntriesRequest {
        page_size: 1_000,
        resource: args.resource.clone(),
        start_time: args.start_time,
        end_time: args.end_time,
        ..Default::default()
    };
    let mut entries = Vec::new();
    while entries.len() < args.most {
        let page = client.list_audit_entries(request.clone()).await.map_err(|status| refused(&status))?;
        let page = page.into_inner();
        entries.extend(page.audit_entries);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    entries.truncate(args.most);
    if args.connection.json {
        terminal::json(&serde_json::Value::Array(entries.iter().map(object).collect()));
    } else {
        terminal::table(&lines(&entries));
    }
    Ok(())
}

fn time(entry: &v1::AuditEntry) -> String {
    entry.time.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn object(entry: &v1::AuditEntry) -> serde_json::Value {
    let change = |change: &v1::FieldChange| json!({ "path": change.path, "before": change.before, "after": change.after });
    json!({
        "name": entry.name,
        "time": time(entry),
        "actor": entry.actor,
        "method": entry.method,
        "resource": entry.resource,
        "changes": entry.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn lines(entries: &[v1::AuditEntry]) -> Vec<Vec<String>> {
    let heads = ["TIME", "ACTOR", "METHOD", "RESOURCE", "CHANGES"].map(String::from).to_vec();
    let told = |change: &v1::FieldChange| {
        let held = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        format!("{}: {} -> {}", change.path, held(&change.before), held(&change.after))
    };
    let line = |entry: &v1::AuditEntry| {
        if entry.method.is_empty() {
            let damaged = format!("{} is damaged in the store", entry.name);
            return vec!["-".into(), "-".into(), "-".into(), "-".into(), damaged];
        }
        let changes = entry.changes.iter().map(told).collect::<Vec<_>>().join("; ");
        vec![time(entry), entry.actor.clone(), entry.method.clone(), entry.resource.clone(), changes]
    };
    std::iter::once(heads).chain(entries.iter().map(line)).collect()
}
