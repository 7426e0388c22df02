//! `apportion apply`: makes the server hold what a file says.
//!
//! A workspace or team in the file is to be as it stands there, and where it says nothing at its default. Workspaces that are not in
//! it are left alone, and so are teams, unless `--prune` is given: then the teams of its workspaces that are not in it go, except
//! `default`.

use super::connection::{Client, Connection, refused};
use super::policy_file::{self, Wanted, WantedTeam};
use crate::service::admin::differences::{Fields, differences, team_fields, workspace_fields};
use apportion_proto::v1;
use std::path::PathBuf;
use tonic::Code;

/// Make the server hold what a file says; what is left out of the file has its default
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The file, in TOML
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

struct Apply<'a> {
    args: &'a Args,
    client: Client,
    differs: bool,
}

/// Runs the command: whether the server holds what the file says, or does now.
pub(super) async fn run(args: &Args) -> Result<bool, String> {
    let wanted = policy_file::read(&args.file)?;
    let mut apply = Apply { args, client: args.connection.client().await?, differs: false };
    for workspace in &wanted {
        apply.workspace(workspace).await?;
    }
    if !apply.differs {
        println!("nothing differs");
    }
    Ok(!(args.dry_run && apply.differs))
}

impl Apply<'_> {
    async fn workspace(&mut self, wanted: &Wanted) -> Result<(), String> {
        let name = wanted.value.name.clone();
        let found = self.client.get_workspace(v1::GetWorkspaceRequest { name: name.clone() }).await;
        let found = match found {
            Ok(found) => found.into_inner().workspace,
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => return Err(refused(&status)),
        };
        let before = found.as_ref().map(workspace_fields).unwrap_or_default();
        let mut value = wanted.value.clone();
        if let Some(found) = &found {
            value.preset.clone_from(&found.preset); // set at creation and never changed
            value.etag.clone_from(&found.etag);
        }
        let differs = self.tell(&name, found.is_some(), &before, &workspace_fields(&value));
        if differs && !self.args.dry_run {
            self.write_workspace(value, found.is_some()).await?;
        }
        self.teams(wanted, found.is_some()).await
    }

    async fn write_workspace(&mut self, value: v1::Workspace, is_there: bool) -> Result<(), String> {
        let allow_overcommit = self.args.allow_overcommit;
        let (workspace_id, validate_only) = (value.name.trim_start_matches("workspaces/").into(), false);
        let workspace = Some(value);
        let done = if is_there {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["*".into()] });
            let request =
                v1::UpdateWorkspaceRequest { workspace, update_mask, validate_only, allow_overcommit };
            self.client.update_workspace(request).await.map(|_| ())
        } else {
            let request =
                v1::CreateWorkspaceRequest { workspace_id, workspace, validate_only, allow_overcommit };
            self.client.create_workspace(request).await.map(|_| ())
        };
        done.map_err(|status| refused(&status))
    }

    async fn teams(&mut self, wanted: &Wanted, is_there: bool) -> Result<(), String> {
        let is_there = is_there || !self.args.dry_run;
        let found = if is_there { self.found_teams(&wanted.value.name).await? } else { Vec::new() };
        for team in &wanted.teams {
            self.team(wanted, team, found.iter().find(|found| found.name == team.value.name)).await?;
        }
        if self.args.prune {
            self.prune(wanted, found).await?;
        }
        Ok(())
    }

    async fn found_teams(&mut self, parent: &str) -> Result<Vec<v1::Team>, String> {
        let mut request =
            v1::ListTeamsRequest { parent: parent.into(), page_size: 1_000, ..Default::default() };
        let mut teams = Vec::new();
        loop {
            let page = self.client.list_teams(request.clone()).await.map_err(|status| refused(&status))?;
            let page = page.into_inner();
            teams.extend(page.teams);
            if page.next_page_token.is_empty() {
                return Ok(teams);
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn team(
        &mut self,
        of: &Wanted,
        wanted: &WantedTeam,
        found: Option<&v1::Team>,
    ) -> Result<(), String> {
        let before = found.map(team_fields).unwrap_or_default();
        let differs = self.tell(&wanted.value.name, found.is_some(), &before, &team_fields(&wanted.value));
        if !differs || self.args.dry_run {
            return Ok(());
        }
        let etag = found.map(|found| found.etag.clone()).unwrap_or_default();
        let team = Some(v1::Team { etag, ..wanted.value.clone() });
        let (allow_overcommit, validate_only) = (self.args.allow_overcommit, false);
        let done = if found.is_some() {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["*".into()] });
            let request = v1::UpdateTeamRequest { team, update_mask, validate_only, allow_overcommit };
            self.client.update_team(request).await.map(|_| ())
        } else {
            let (parent, team_id) = (of.value.name.clone(), wanted.id.clone());
            let request = v1::CreateTeamRequest { parent, team_id, team, validate_only, allow_overcommit };
            self.client.create_team(request).await.map(|_| ())
        };
        done.map_err(|status| refused(&status))
    }

    /// Deletes what the file does not have, parts before what they are part of.
    async fn prune(&mut self, wanted: &Wanted, found: Vec<v1::Team>) -> Result<(), String> {
        let default = format!("{}/teams/default", wanted.value.name);
        let is_wanted = |team: &v1::Team| wanted.teams.iter().any(|kept| kept.value.name == team.name);
        let mut extra: Vec<_> =
            found.into_iter().filter(|team| team.name != default && !is_wanted(team)).collect();
        while !extra.is_empty() {
            let parents: Vec<_> = extra.iter().map(|team| team.parent_team.clone()).collect();
            let place = extra.iter().position(|team| !parents.contains(&team.name)).unwrap_or(0);
            let v1::Team { name, etag, .. } = extra.swap_remove(place);
            self.differs = true;
            println!("- {name}");
            if !self.args.dry_run {
                let request = v1::DeleteTeamRequest { name, etag, validate_only: false };
                self.client.delete_team(request).await.map_err(|status| refused(&status))?;
            }
        }
        Ok(())
    }

    /// Prints what differs, and says whether anything does.
    fn tell(&mut self, name: &str, is_there: bool, before: &Fields, after: &Fields) -> bool {
        let changes = differences(before, after);
        if is_there && changes.is_empty() {
            return false;
        }
        self.differs = true;
        println!("{} {name}", if is_there { '~' } else { '+' });
        for change in changes {
            let held = |value: Option<String>| value.unwrap_or_else(|| "-".into());
            println!("    {}: {} -> {}", change.path, held(change.before), held(change.after));
        }
        true
    }
}
