//! `apportion team`.

use super::connection::{Connection, refused};
use super::write::Write;
use super::{id, mask, priority, show};
use apportion_proto::v1;

/// What is done with teams.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the teams of a workspace
    List {
        /// The id of the workspace
        #[arg(value_parser = id)]
        workspace: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a team
    Get(Named),
    /// Create a team
    Create(Change),
    /// Change what is named
    Update(Change),
    /// Delete a team without parts
    Delete {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        conditions: Conditions,
    },
}

/// Which team.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The id of the workspace
    #[arg(value_parser = id)]
    workspace: String,
    /// The id of the team
    #[arg(value_parser = id)]
    team: String,
    #[command(flatten)]
    connection: Connection,
}

/// Under which conditions it is changed.
#[derive(clap::Args)]
pub(crate) struct Conditions {
    /// What it must still be
    #[arg(long, default_value = "")]
    etag: String,
    /// Check only, and change nothing
    #[arg(long)]
    validate_only: bool,
}

/// What a team is to be.
#[derive(clap::Args)]
pub(crate) struct Change {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    conditions: Conditions,
    /// The id of the team that it is part of
    #[arg(long, value_parser = id)]
    parent_team: Option<String>,
    /// How much of a contended budget it gets, against its siblings
    #[arg(long)]
    weight: Option<u32>,
    /// Permits a window that it is sure of while it asks for them
    #[arg(long)]
    reservation_permits: Option<u32>,
    /// Permits a window that it never exceeds
    #[arg(long)]
    cap_permits: Option<u32>,
    /// Whether its reservation is kept while it does not ask
    #[arg(long)]
    reservation_protected: Option<bool>,
    /// The priority of a request that names none
    #[arg(long, value_parser = priority)]
    priority: Option<i32>,
    /// The most urgent priority that its requests are served at
    #[arg(long, value_parser = priority)]
    highest_priority: Option<i32>,
    /// A field that gets its default back, such as cap_permits
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// Allow reservations, floors and holdback to exceed the budget together
    #[arg(long)]
    allow_overcommit: bool,
}

impl Named {
    fn name(&self) -> String {
        format!("workspaces/{}/teams/{}", self.workspace, self.team)
    }
}

impl Change {
    fn team(&self) -> v1::Team {
        let parent =
            self.parent_team.as_ref().map(|id| format!("workspaces/{}/teams/{id}", self.named.workspace));
        v1::Team {
            name: self.named.name(),
            etag: self.conditions.etag.clone(),
            parent_team: parent.unwrap_or_default(),
            weight: self.weight,
            reservation_permits: self.reservation_permits.unwrap_or_default(),
            cap_permits: self.cap_permits,
            reservation_protected: self.reservation_protected.unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            highest_priority: self.highest_priority.unwrap_or_default(),
            ..v1::Team::default()
        }
    }

    fn mask(&self) -> Result<prost_types::FieldMask, String> {
        let set = [
            ("parent_team", self.parent_team.is_some()),
            ("weight", self.weight.is_some()),
            ("reservation_permits", self.reservation_permits.is_some()),
            ("cap_permits", self.cap_permits.is_some()),
            ("reservation_protected", self.reservation_protected.is_some()),
            ("priority", self.priority.is_some()),
            ("highest_priority", self.highest_priority.is_some()),
        ];
        mask(&set, &self.clear)
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

async fn write(change: &Change, update_mask: Option<prost_types::FieldMask>) -> Result<(), String> {
    let (connection, allow_overcommit) = (&change.named.connection, change.allow_overcommit);
    let write = Write { update_mask, validate_only: change.conditions.validate_only, allow_overcommit };
    let (made, warnings) = write.team(&mut connection.client().await?, change.team()).await?;
    show::warnings(&warnings);
    show::one(&show::team(&made), connection.json);
    Ok(())
}
