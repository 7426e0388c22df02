//! `apportion team`.

use super::conditions::Conditions;
use super::flags::FieldFlags;
use super::show;
use super::write::ResourceWrite;
use crate::argument::{id, mask};
use crate::connection::{Connection, refused};
use apportion_proto::v1;

/// The commands for teams.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the teams of a workspace
    List {
        /// Workspace id
        #[arg(value_parser = id)]
        workspace: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a team
    Get(TeamArgs),
    /// Create a team
    Create(TeamChange),
    /// Update fields of a team; the others keep their values
    Update(TeamChange),
    /// Delete a team that has no child teams
    Delete {
        #[command(flatten)]
        named: TeamArgs,
        #[command(flatten)]
        conditions: Conditions,
    },
}

/// A team by its workspace and id.
#[derive(clap::Args)]
pub(crate) struct TeamArgs {
    /// Workspace id
    #[arg(value_parser = id)]
    workspace: String,
    /// Team id
    #[arg(value_parser = id)]
    team: String,
    #[command(flatten)]
    connection: Connection,
}

/// A team to create, or the fields to update.
#[derive(clap::Args)]
pub(crate) struct TeamChange {
    #[command(flatten)]
    named: TeamArgs,
    #[command(flatten)]
    conditions: Conditions,
    #[command(flatten)]
    fields: FieldFlags<v1::Team>,
    /// Field to reset to its default, such as cap_permits; repeatable
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// Allow reservations, floors and holdback to exceed the budget
    #[arg(long)]
    allow_overcommit: bool,
}

impl TeamArgs {
    fn name(&self) -> String {
        format!("workspaces/{}/teams/{}", self.workspace, self.team)
    }
}

impl TeamChange {
    fn team(&self) -> v1::Team {
        let etag = self.conditions.etag.clone();
        let mut team = v1::Team { name: self.named.name(), etag, ..v1::Team::default() };
        self.fields.0.apply(&self.named.workspace, &mut team);
        team
    }

    fn mask(&self) -> Result<prost_types::FieldMask, String> {
        mask(self.fields.0.paths(), &self.clear)
    }
}

/// Runs the command.
pub(super) async fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::List { workspace, connection } => list(workspace, connection).await,
        Command::Get(named) => {
            let request = v1::GetTeamRequest { name: named.name() };
            let shown = named.connection.client().await?.get_team(request).await;
            let team = shown.map_err(|status| refused(&status))?.into_inner().team.unwrap_or_default();
            show::one(&show::team(&team), named.connection.json);
            Ok(())
        }
        Command::Create(change) => write(change, None).await,
        Command::Update(change) => write(change, Some(change.mask()?)).await,
        Command::Delete { named, conditions } => {
            let (etag, validate_only) = (conditions.etag.clone(), conditions.validate_only);
            let request = v1::DeleteTeamRequest { name: named.name(), etag, validate_only };
            let deleted = named.connection.client().await?.delete_team(request).await;
            deleted.map(|_| ()).map_err(|status| refused(&status))
        }
    }
}

async fn list(workspace: &str, connection: &Connection) -> Result<(), String> {
    let mut client = connection.client().await?;
    let parent = format!("workspaces/{workspace}");
    let mut request = v1::ListTeamsRequest { parent, page_size: 1_000, ..Default::default() };
    let mut rows = Vec::new();
    loop {
        let page = client.list_teams(request.clone()).await.map_err(|status| refused(&status))?.into_inner();
        rows.extend(page.teams.iter().map(show::team));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let columns = ["parent_team", "weight", "reservation_permits", "cap_permits", "priority"];
    show::many(&rows, &columns, connection.json);
    Ok(())
}

async fn write(change: &TeamChange, update_mask: Option<prost_types::FieldMask>) -> Result<(), String> {
    let (connection, allow_overcommit) = (&change.named.connection, change.allow_overcommit);
    let write =
        ResourceWrite { update_mask, validate_only: change.conditions.validate_only, allow_overcommit };
    let (made, warnings) = write.team(&mut connection.client().await?, change.team()).await?;
    show::warnings(&warnings);
    show::one(&show::team(&made), connection.json);
    Ok(())
}
