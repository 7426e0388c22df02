//! `apportion explain`: what would become of a request now, and why.

mod args;
mod words;

mod json;
mod text;

use crate::connection::refused;
use crate::terminal;
use apportion_proto::v1;
pub(crate) use args::Args;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let explanation = runtime.map_err(|error| error.to_string())?.block_on(explanation(args))?;
    if args.connection.json {
        terminal::json(&json::json(&explanation));
    } else {
        text::lines(args, &explanation).iter().for_each(|line| terminal::line(line));
    }
    Ok(true)
}

async fn explanation(args: &Args) -> Result<v1::LeaseExplanation, String> {
    let request = v1::ExplainLeaseRequest {
        workspace: args.workspace.clone(),
        team: args.team.clone(),
        caller: args.caller.clone(),
        priority: args.priority.map_or(0, Into::into),
        permits: Some(args.permits),
        min_permits: args.min_permits,
        max_wait: args.max_wait,
    };
    let mut client = args.connection.quota().await?;
    let response = client.explain_lease(request).await.map_err(|status| refused(&status))?;
    response.into_inner().explanation.ok_or_else(|| "the server sent no explanation".into())
}
