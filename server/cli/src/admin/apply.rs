//! `apportion apply`: changes workspaces, teams and domains to match a policy file.
//!
//! A field that the file leaves out gets its default. What is not in the file stays as it is; with `--prune`, the other teams and
//! domains of its workspaces are deleted, except the team `default`. All steps are planned before the first is made.

use super::domain;
use super::plan::{Allowed, CurrentPolicy, PlanStep, plan};
use super::policy_file::{self, DesiredPolicy};
use super::show;
use super::write::ResourceWrite;
use crate::connection::{Client, Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use apportion_server::resource::differences;
use std::path::{Path, PathBuf};
use tonic::Code;

/// Change workspaces, teams and domains to match a policy file
///
/// A field that the file leaves out gets its default. Workspaces that are not in the file stay as they are, and so do teams and
/// domains unless --prune is given.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policy file in TOML, or - for standard input
    #[arg(short, long)]
    file: PathBuf,
    /// Print the changes without making them; exit with 1 if there are any
    #[arg(long)]
    dry_run: bool,
    /// Delete teams and domains that are not in the file, in the workspaces that are
    #[arg(long)]
    prune: bool,
    /// Allow reservations, floors and holdback to exceed the budget
    #[arg(long)]
    allow_overcommit: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command. Returns false for a dry run that found changes.
pub(super) async fn run(args: &Args) -> Result<bool, String> {
    let desired = policy_file::read(&args.file)?;
    let allowed = Allowed { prune: args.prune, overcommit: args.allow_overcommit };
    let mut apply =
        Apply { client: args.connection.client().await?, allowed, writes: !args.dry_run, prints: true };
    let plans = apply.plans(&desired).await?;
    let differs = plans.iter().any(|(_, steps)| !steps.is_empty());
    for (current, steps) in plans {
        apply.make(current, steps).await?;
    }
    if !differs {
        terminal::line("no changes");
    }
    Ok(!(args.dry_run && differs))
}

/// Applies a file to a server that has just started, and prints nothing.
///
/// # Errors
/// A human-readable message where the file is wrong or the server refuses it.
pub(super) async fn load(server: &str, file: &Path) -> Result<(), String> {
    let desired = policy_file::read(file)?;
    let allowed = Allowed { prune: false, overcommit: false };
    let client = Connection::plain(server).await?;
    let mut apply = Apply { client, allowed, writes: true, prints: false };
    for (current, steps) in apply.plans(&desired).await? {
        apply.make(current, steps).await?;
    }
    Ok(())
}

struct Apply {
    client: Client,
    allowed: Allowed,
    writes: bool,
    prints: bool,
}

impl Apply {
    /// The steps for each workspace, all of them planned before the first is made.
    async fn plans(
        &mut self,
        desired: &[DesiredPolicy],
    ) -> Result<Vec<(CurrentPolicy, Vec<PlanStep>)>, String> {
        let mut plans = Vec::new();
        for workspace in desired {
            let current = self.current(&workspace.value.name).await?;
            let steps = plan(&current, workspace, self.allowed)?;
            plans.push((current, steps));
        }
        Ok(plans)
    }

    /// The workspace and its teams, and all domains, as the server has them.
    async fn current(&mut self, name: &str) -> Result<CurrentPolicy, String> {
        let found = self.client.get_workspace(v1::GetWorkspaceRequest { name: name.into() }).await;
        let domains = domain::all(&mut self.client).await?;
        let domains = domains.into_iter().map(|domain| (domain.name.clone(), domain)).collect();
        let workspace = match found {
            Ok(found) => found.into_inner().workspace,
            Err(status) if status.code() == Code::NotFound => {
                return Ok(CurrentPolicy { domains, ..CurrentPolicy::default() });
            }
            Err(status) => return Err(refused(&status)),
        };
        let mut request =
            v1::ListTeamsRequest { parent: name.into(), page_size: 1_000, ..Default::default() };
        let mut current = CurrentPolicy { workspace, domains, ..CurrentPolicy::default() };
        loop {
            let page = self.client.list_teams(request.clone()).await.map_err(|status| refused(&status))?;
            let page = page.into_inner();
            current.teams.extend(page.teams.into_iter().map(|team| (team.name.clone(), team)));
            if page.next_page_token.is_empty() {
                return Ok(current);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Prints each step, and makes it, as far as this is wanted.
    async fn make(&mut self, mut current: CurrentPolicy, steps: Vec<PlanStep>) -> Result<(), String> {
        for step in steps {
            let exists = current.fields(&step).is_some();
            if self.prints {
                print(&current, &step);
            }
            current = current.after(&step);
            if self.writes {
                show::warnings(&self.write(step, exists).await?);
            }
        }
        Ok(())
    }

    /// Makes a step. Returns the warnings of the server.
    async fn write(&mut self, step: PlanStep, exists: bool) -> Result<Vec<String>, String> {
        let all = || prost_types::FieldMask { paths: vec!["*".into()] };
        let write = ResourceWrite {
            update_mask: exists.then(all),
            validate_only: false,
            allow_overcommit: self.allowed.overcommit,
        };
        match step {
            PlanStep::Workspace(value) => Ok(write.workspace(&mut self.client, value).await?.1),
            PlanStep::Team(value) => Ok(write.team(&mut self.client, value).await?.1),
            PlanStep::Delete(v1::Team { name, etag, .. }) => {
                let request = v1::DeleteTeamRequest { name, etag, validate_only: false };
                let deleted = self.client.delete_team(request).await;
                deleted.map(|_| Vec::new()).map_err(|status| refused(&status))
            }
            PlanStep::Domain(value) => {
                Ok(domain::write(&mut self.client, value, exists.then(all), false).await?.1)
            }
            PlanStep::DeleteDomain(v1::Domain { name, etag, .. }) => {
                let request = v1::DeleteDomainRequest { name, etag, validate_only: false };
                let deleted = self.client.delete_domain(request).await;
                deleted.map(|_| Vec::new()).map_err(|status| refused(&status))
            }
        }
    }
}

/// Prints what a step changes.
fn print(current: &CurrentPolicy, step: &PlanStep) {
    let before = current.fields(step);
    let sign = match (step, &before) {
        (PlanStep::Delete(_) | PlanStep::DeleteDomain(_), _) => '-',
        (_, Some(_)) => '~',
        (_, None) => '+',
    };
    terminal::line(&format!("{sign} {}", step.name()));
    if sign != '-' {
        for change in differences(&before.unwrap_or_default(), &step.fields()) {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "-".into());
            terminal::line(&format!(
                "    {}: {} -> {}",
                change.path,
                shown(change.before),
                shown(change.after)
            ));
        }
    }
}
