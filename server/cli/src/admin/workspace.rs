//! `apportion workspace`.

use super::conditions::Conditions;
use super::flags::FieldFlags;
use super::show;
use super::write::ResourceWrite;
use crate::argument::{id, mask, priority};
use crate::connection::{Connection, refused};
use apportion_proto::v1;
use apportion_server::resource::{Field, FieldKind, Resource};

/// The commands for workspaces.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the workspaces
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a workspace
    Get(WorkspaceArgs),
    /// Create a workspace
    Create(WorkspaceChange),
    /// Update fields of a workspace; the others keep their values
    Update(WorkspaceChange),
    /// Delete a workspace
    Delete {
        #[command(flatten)]
        named: WorkspaceArgs,
        #[command(flatten)]
        conditions: Conditions,
        /// Also delete its teams
        #[arg(long)]
        force: bool,
    },
}

/// Which workspace.
#[derive(clap::Args)]
pub(crate) struct WorkspaceArgs {
    /// Workspace id
    #[arg(value_parser = id)]
    workspace: String,
    #[command(flatten)]
    connection: Connection,
}

/// A workspace to create, or the fields to update.
#[derive(clap::Args)]
pub(crate) struct WorkspaceChange {
    #[command(flatten)]
    named: WorkspaceArgs,
    #[command(flatten)]
    conditions: Conditions,
    #[command(flatten)]
    fields: FieldFlags<v1::Workspace>,
    /// Limit of the provider, such as id=per-10s,permits=166,window=10s; optional keys are phase, start_margin, guard and lease_life; repeatable, replaces all limits
    #[arg(long, value_parser = limit)]
    limit: Vec<v1::Limit>,
    /// Holdback of CRITICAL, DEFAULT and SHEDDABLE in billionths of the budget, such as 200000000,0,0
    #[arg(long, value_parser = shares)]
    holdback: Option<v1::PriorityShares>,
    /// Floors of CRITICAL, DEFAULT and SHEDDABLE in billionths of the budget, such as 0,100000000,50000000
    #[arg(long, value_parser = shares)]
    floors: Option<v1::PriorityShares>,
    /// Priority that may be granted edge permits from all that the next window has left; repeatable
    #[arg(long, value_parser = priority)]
    edge: Vec<v1::Priority>,
    /// Field to reset to its default, such as floors; repeatable
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// Allow reservations, floors and holdback to exceed the budget
    #[arg(long)]
    allow_overcommit: bool,
}

fn shares(text: &str) -> Result<v1::PriorityShares, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[critical_billionths, default_billionths, sheddable_billionths]) => {
            Ok(v1::PriorityShares { critical_billionths, default_billionths, sheddable_billionths })
        }
        _ => Err("expected three numbers of billionths, separated by commas".into()),
    }
}

fn limit(text: &str) -> Result<v1::Limit, String> {
    let mut limit = v1::Limit::default();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or("expected key=value pairs, separated by commas")?;
        let span = || {
            value
                .parse::<prost_types::Duration>()
                .map(Some)
                .map_err(|_| format!("{key}: expected a duration, such as 0.85s"))
        };
        match key {
            "id" => limit.limit_id = value.into(),
            "permits" => limit.permits = value.parse().map_err(|_| "permits: expected a number")?,
            "window" => limit.window = span()?,
            "phase" => limit.phase = span()?,
            "start_margin" => limit.start_margin = span()?,
            "guard" => limit.guard = span()?,
            "lease_life" => limit.lease_life = span()?,
            _ => {
                return Err(format!(
                    "unknown key {key}: expected id, permits, window, phase, start_margin, guard or lease_life"
                ));
            }
        }
    }
    Ok(limit)
}

impl WorkspaceArgs {
    fn name(&self) -> String {
        format!("workspaces/{}", self.workspace)
    }
}

impl WorkspaceChange {
    fn workspace(&self) -> v1::Workspace {
        let edge = v1::EdgePriorities { priorities: self.edge.iter().copied().map(i32::from).collect() };
        let mut workspace = v1::Workspace {
            name: self.named.name(),
            etag: self.conditions.etag.clone(),
            limits: self.limit.clone(),
            holdback: self.holdback,
            floors: self.floors,
            edge: (!self.edge.is_empty()).then_some(edge),
            ..v1::Workspace::default()
        };
        self.fields.0.apply(&self.named.workspace, &mut workspace);
        workspace
    }

    fn mask(&self) -> Result<prost_types::FieldMask, String> {
        let workspace = self.workspace();
        let is_compound = |field: &&Field<v1::Workspace>| field.kind == FieldKind::Compound;
        let compound =
            v1::Workspace::FIELDS.iter().filter(is_compound).filter(|field| field.is_set(&workspace));
        let paths = compound.map(|field| field.path.to_owned()).chain(self.fields.0.paths());
        mask(paths, &self.clear)
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

async fn write(change: &WorkspaceChange, update_mask: Option<prost_types::FieldMask>) -> Result<(), String> {
    let (connection, allow_overcommit) = (&change.named.connection, change.allow_overcommit);
    let write =
        ResourceWrite { update_mask, validate_only: change.conditions.validate_only, allow_overcommit };
    let (made, warnings) = write.workspace(&mut connection.client().await?, change.workspace()).await?;
    show::warnings(&warnings);
    show::one(&show::workspace(&made), connection.json);
    Ok(())
}
