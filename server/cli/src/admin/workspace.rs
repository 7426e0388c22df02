//! `apportion workspace`.

use super::connection::{Connection, refused};
use super::write::Write;
use super::{id, mask, priority, show};
use apportion_proto::v1;

/// What is done with workspaces.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the workspaces
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a workspace
    Get(Named),
    /// Create a workspace
    Create(Change),
    /// Change what is named
    Update(Change),
    /// Delete a workspace
    Delete {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        conditions: Conditions,
        /// Delete its teams with it
        #[arg(long)]
        force: bool,
    },
}

/// Which workspace.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The id of the workspace
    #[arg(value_parser = id)]
    workspace: String,
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

/// What a workspace is to be.
#[derive(clap::Args)]
pub(crate) struct Change {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    conditions: Conditions,
    /// The preset that it is made with, such as intercom
    #[arg(long, default_value = "")]
    preset: String,
    /// A limit, such as id=per-10s,permits=166,window=10s; also phase, start_margin, guard, lease_life. All limits are replaced
    #[arg(long, value_parser = limit)]
    limit: Vec<v1::Limit>,
    /// The holdback of CRITICAL, DEFAULT and SHEDDABLE, in billionths, such as 200000000,0,0
    #[arg(long, value_parser = shares)]
    holdback: Option<v1::PriorityShares>,
    /// The floors of CRITICAL, DEFAULT and SHEDDABLE, in billionths
    #[arg(long, value_parser = shares)]
    floors: Option<v1::PriorityShares>,
    /// The largest request for a lease
    #[arg(long)]
    largest_lease_permits: Option<u32>,
    /// A priority that may be granted edge permits out of whatever the next window has left
    #[arg(long, value_parser = priority)]
    edge: Vec<i32>,
    /// For how many windows the use by others is kept from the next ones
    #[arg(long)]
    others_memory_windows: Option<u32>,
    /// Whether every priority may be granted edge permits that the next window would grant it at its opening
    #[arg(long)]
    spare_edge: Option<bool>,
    /// A field that gets its default back, such as floors
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// Allow reservations, floors and holdback to exceed the budget together
    #[arg(long)]
    allow_overcommit: bool,
}

fn shares(text: &str) -> Result<v1::PriorityShares, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[critical_billionths, default_billionths, sheddable_billionths]) => {
            Ok(v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths })
        }
        _ => Err("three numbers of billionths, with commas between them".into()),
    }
}

fn limit(text: &str) -> Result<v1::Limit, String> {
    let mut limit = v1::Limit::default();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or("each part is key=value")?;
        let span =
            || value.parse::<prost_types::Duration>().map(Some).map_err(|_| format!("{key}: such as 0.85s"));
        match key {
            "id" => limit.limit_id = value.into(),
            "permits" => limit.permits = value.parse().map_err(|_| "permits: a number")?,
            "window" => limit.window = span()?,
            "phase" => limit.phase = span()?,
            "start_margin" => limit.start_margin = span()?,
            "guard" => limit.guard = span()?,
            "lease_life" => limit.lease_life = span()?,
            _ => {
                return Err(format!(
                    "{key}: allowed are id, permits, window, phase, start_margin, guard, lease_life"
                ));
            }
        }
    }
    Ok(limit)
}

impl Named {
    fn name(&self) -> String {
        format!("workspaces/{}", self.workspace)
    }
}

impl Change {
    fn workspace(&self) -> v1::Workspace {
        let edge = v1::EdgePriorities { priorities: self.edge.clone() };
        v1::Workspace {
            name: self.named.name(),
            etag: self.conditions.etag.clone(),
            preset: self.preset.clone(),
            limits: self.limit.clone(),
            holdback: self.holdback,
            floors: self.floors,
            largest_lease_permits: self.largest_lease_permits,
            edge: (!self.edge.is_empty()).then_some(edge),
            others_memory_windows: self.others_memory_windows,
            spare_edge: self.spare_edge,
            ..v1::Workspace::default()
        }
    }

    fn mask(&self) -> Result<prost_types::FieldMask, String> {
        let set = [
            ("limits", !self.limit.is_empty()),
            ("holdback", self.holdback.is_some()),
            ("floors", self.floors.is_some()),
            ("largest_lease_permits", self.largest_lease_permits.is_some()),
            ("edge", !self.edge.is_empty()),
            ("others_memory_windows", self.others_memory_windows.is_some()),
            ("spare_edge", self.spare_edge.is_some()),
        ];
        mask(&set, &self.clear)
    }
}

/// Runs the command.
pub(super) async fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::List { connection } => list(connection).await,
        Command::Get(named) => {
            let request = v1::GetWorkspaceRequest { name: named.name() };
            let shown = named.connection.client().await?.get_workspace(request).await;
            let workspace = shown.map_err(|status| refused(&status))?.into_inner().workspace;
            show::one(&show::workspace(&workspace.unwrap_or_default()), named.connection.json);
            Ok(())
        }
        Command::Create(change) => write(change, None).await,
        Command::Update(change) => write(change, Some(change.mask()?)).await,
        Command::Delete { named, conditions, force } => {
            let (etag, validate_only) = (conditions.etag.clone(), conditions.validate_only);
            let request =
                v1::DeleteWorkspaceRequest { name: named.name(), etag, validate_only, force: *force };
            let deleted = named.connection.client().await?.delete_workspace(request).await;
            deleted.map(|_| ()).map_err(|status| refused(&status))
        }
    }
}

async fn list(connection: &Connection) -> Result<(), String> {
    let mut client = connection.client().await?;
    let mut request = v1::ListWorkspacesRequest { page_size: 1_000, ..Default::default() };
    let mut rows = Vec::new();
    loop {
        let page = client.list_workspaces(request.clone()).await.map_err(|status| refused(&status))?;
        let page = page.into_inner();
        rows.extend(page.workspaces.iter().map(show::workspace));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    show::many(&rows, &["preset", "limits"], connection.json);
    Ok(())
}

async fn write(change: &Change, update_mask: Option<prost_types::FieldMask>) -> Result<(), String> {
    let (connection, allow_overcommit) = (&change.named.connection, change.allow_overcommit);
    let write = Write { update_mask, validate_only: change.conditions.validate_only, allow_overcommit };
    let (made, warnings) = write.workspace(&mut connection.client().await?, change.workspace()).await?;
    show::warnings(&warnings);
    show::one(&show::workspace(&made), connection.json);
    Ok(())
}
