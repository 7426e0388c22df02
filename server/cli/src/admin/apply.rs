//! `apportion apply`: makes the server hold what a file says.
//!
//! A workspace or team in the file is to be as it stands there, and where it says nothing at its default. Workspaces that are not in
//! it are left alone, and so are teams, unless `--prune` is given: then the teams of its workspaces that are not in it go, except
//! `default`. All steps are planned before the first is made, in an order in which each of them holds.

use super::connection::{Client, Connection, refused};
use super::plan::{Allowed, Held, Step, plan};
use super::policy_file;
use super::show;
use super::write::Write;
use crate::terminal;
use apportion_proto::v1;
use apportion_server::service::admin::differences::differences;
use std::path::PathBuf;
use tonic::Code;

/// Make the server hold what a file says; what is left out of the file has its default
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file, in TOML; - is standard input
    #[arg(short, long)]
    file: PathBuf,
    /// Print the difference and change nothing; the exit code is 1 where there is one
    #[arg(long)]
    dry_run: bool,
    /// Delete the teams that are not in the file, in the workspaces that are; without it they stay
    #[arg(long)]
    prune: bool,
    /// Allow reservations, floors and holdback to exceed the budget together
    #[arg(long)]
    allow_overcommit: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command: whether the server holds what the file says, or does now.
pub(super) async fn run(args: &Args) -> Result<bool, String> {
    let wanted = policy_file::read(&args.file)?;
    let mut apply = Apply { args, client: args.connection.client().await? };
    let allowed = Allowed { prune: args.prune, overcommit: args.allow_overcommit };
    let mut plans = Vec::new();
    for workspace in &wanted {
        let held = apply.held(&workspace.value.name).await?;
        let steps = plan(&held, workspace, allowed)?;
        plans.push((held, steps));
    }
    let differs = plans.iter().any(|(_, steps)| !steps.is_empty());
    for (held, steps) in plans {
        apply.make(held, steps).await?;
    }
    if !differs {
        terminal::line("nothing differs");
    }
    Ok(!(args.dry_run && differs))
}

struct Apply<'a> {
    args: &'a Args,
    client: Client,
}

impl Apply<'_> {
    /// What the server holds.
    async fn held(&mut self, name: &str) -> Result<Held, String> {
        let found = self.client.get_workspace(v1::GetWorkspaceRequest { name: name.into() }).await;
        let workspace = match found {
            Ok(found) => found.into_inner().workspace,
            Err(status) if status.code() == Code::NotFound => return Ok(Held::default()),
            Err(status) => return Err(refused(&status)),
        };
        let mut request =
            v1::ListTeamsRequest { parent: name.into(), page_size: 1_000, ..Default::default() };
        let mut held = Held { workspace, ..Held::default() };
        loop {
            let page = self.client.list_teams(request.clone()).await.map_err(|status| refused(&status))?;
            let page = page.into_inner();
            held.teams.extend(page.teams.into_iter().map(|team| (team.name.clone(), team)));
            if page.next_page_token.is_empty() {
                return Ok(held);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Tells each step and makes it, unless only the difference was asked for.
    async fn make(&mut self, mut held: Held, steps: Vec<Step>) -> Result<(), String> {
        for step in steps {
            let is_there = tell(&held, &step);
            held = held.after(&step);
            if !self.args.dry_run {
                show::warnings(&self.write(step, is_there).await?);
            }
        }
        Ok(())
    }

    /// Makes a step, and returns the warnings of the server.
    async fn write(&mut self, step: Step, is_there: bool) -> Result<Vec<String>, String> {
        let all = || prost_types::FieldMask { paths: vec!["*".into()] };
        let write = Write {
            update_mask: is_there.then(all),
            validate_only: false,
            allow_overcommit: self.args.allow_overcommit,
        };
        match step {
            Step::Workspace(value) => Ok(write.workspace(&mut self.client, value).await?.1),
            Step::Team(value) => Ok(write.team(&mut self.client, value).await?.1),
            Step::Delete(v1::Team { name, etag, .. }) => {
                let request = v1::DeleteTeamRequest { name, etag, validate_only: false };
                let deleted = self.client.delete_team(request).await;
                deleted.map(|_| Vec::new()).map_err(|status| refused(&status))
            }
        }
    }
}

/// Prints what a step changes, and says whether what it changes is there.
fn tell(held: &Held, step: &Step) -> bool {
    let before = held.fields(step);
    let sign = match (step, &before) {
        (Step::Delete(_), _) => '-',
        (_, Some(_)) => '~',
        (_, None) => '+',
    };
    terminal::line(&format!("{sign} {}", step.name()));
    let is_there = before.is_some();
    if sign != '-' {
        for change in differences(&before.unwrap_or_default(), &step.fields()) {
            let held = |value: Option<String>| value.unwrap_or_else(|| "-".into());
            terminal::line(&format!(
                "    {}: {} -> {}",
                change.path,
                held(change.before),
                held(change.after)
            ));
        }
    }
    is_there
}
