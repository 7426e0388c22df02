//! `apportion domain`.

use super::conditions::Conditions;
use super::flags::FieldFlags;
use super::show;
use crate::argument::{id, mask, span};
use crate::connection::{Client, Connection, refused};
use apportion_proto::v1;
use prost_types::FieldMask;

/// The commands for domains.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the domains
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a domain
    Get(DomainArgs),
    /// Create a domain, bound to a workspace
    Create(DomainChange),
    /// Update fields of a domain; the others keep their values
    Update(DomainChange),
    /// Delete a domain; Envoy's calls of it fail from then on
    Delete {
        #[command(flatten)]
        named: DomainArgs,
        #[command(flatten)]
        conditions: Conditions,
    },
}

/// A domain by its id.
#[derive(clap::Args)]
pub(crate) struct DomainArgs {
    /// Domain id: the `domain` of Envoy's filter
    #[arg(value_parser = id)]
    domain: String,
    #[command(flatten)]
    connection: Connection,
}

/// A domain to create, or the fields to update.
#[derive(clap::Args)]
pub(crate) struct DomainChange {
    #[command(flatten)]
    named: DomainArgs,
    #[command(flatten)]
    conditions: Conditions,
    /// Workspace whose budget its requests draw on
    #[arg(long, value_name = "WORKSPACE", value_parser = id)]
    workspace: Option<String>,
    /// How long a request of RLS may wait for a permit, such as 0.2s [default: 0s]
    #[arg(long, value_name = "MAX_WAIT", value_parser = span)]
    max_wait: Option<prost_types::Duration>,
    #[command(flatten)]
    fields: FieldFlags<v1::Domain>,
    /// Field to reset to its default, such as max_wait; repeatable
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
}

impl DomainArgs {
    fn name(&self) -> String {
        format!("domains/{}", self.domain)
    }
}

impl DomainChange {
    fn domain(&self) -> v1::Domain {
        let mut domain = v1::Domain {
            name: self.named.name(),
            etag: self.conditions.etag.clone(),
            workspace: self.workspace.as_ref().map(|id| format!("workspaces/{id}")).unwrap_or_default(),
            max_wait: self.max_wait,
            ..v1::Domain::default()
        };
        self.fields.0.apply(self.workspace.as_deref().unwrap_or_default(), &mut domain);
        domain
    }

    fn mask(&self) -> Result<FieldMask, String> {
        let compound = [("workspace", self.workspace.is_some()), ("max_wait", self.max_wait.is_some())];
        let compound = compound.into_iter().filter(|(_, is_set)| *is_set).map(|(path, _)| path.to_owned());
        mask(self.fields.0.paths().chain(compound), &self.clear)
    }
}

/// Runs the command.
pub(super) async fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::List { connection } => {
            let rows: Vec<_> = all(&mut connection.client().await?).await?.iter().map(show::domain).collect();
            show::many(&rows, &["workspace", "team_key", "default_team", "max_wait"], connection.json);
            Ok(())
        }
        Command::Get(named) => {
            let request = v1::GetDomainRequest { name: named.name() };
            let shown = named.connection.client().await?.get_domain(request).await;
            let domain = shown.map_err(|status| refused(&status))?.into_inner().domain.unwrap_or_default();
            show::one(&show::domain(&domain), named.connection.json);
            Ok(())
        }
        Command::Create(change) => change_one(change, None).await,
        Command::Update(change) => change_one(change, Some(change.mask()?)).await,
        Command::Delete { named, conditions } => {
            let (etag, validate_only) = (conditions.etag.clone(), conditions.validate_only);
            let request = v1::DeleteDomainRequest { name: named.name(), etag, validate_only };
            let deleted = named.connection.client().await?.delete_domain(request).await;
            deleted.map(|_| ()).map_err(|status| refused(&status))
        }
    }
}

/// Every domain that the caller may see, in order of id.
pub(super) async fn all(client: &mut Client) -> Result<Vec<v1::Domain>, String> {
    let mut request = v1::ListDomainsRequest { page_size: 1_000, ..Default::default() };
    let mut domains = Vec::new();
    loop {
        let page =
            client.list_domains(request.clone()).await.map_err(|status| refused(&status))?.into_inner();
        domains.extend(page.domains);
        if page.next_page_token.is_empty() {
            return Ok(domains);
        }
        request.page_token = page.next_page_token;
    }
}

async fn change_one(change: &DomainChange, update_mask: Option<FieldMask>) -> Result<(), String> {
    let connection = &change.named.connection;
    let validate_only = change.conditions.validate_only;
    let (made, warnings) =
        write(&mut connection.client().await?, change.domain(), update_mask, validate_only).await?;
    show::warnings(&warnings);
    show::one(&show::domain(&made), connection.json);
    Ok(())
}

/// Creates a domain, or changes the fields of the mask. Returns it and the warnings of the server.
pub(super) async fn write(
    client: &mut Client,
    value: v1::Domain,
    update_mask: Option<FieldMask>,
    validate_only: bool,
) -> Result<(v1::Domain, Vec<String>), String> {
    let domain_id = value.name.trim_start_matches("domains/").into();
    let domain = Some(value);
    let done = if update_mask.is_some() {
        let request = v1::UpdateDomainRequest { domain, update_mask, validate_only };
        let done = client.update_domain(request).await.map(tonic::Response::into_inner);
        done.map(|done| (done.domain, done.warnings))
    } else {
        let request = v1::CreateDomainRequest { domain_id, domain, validate_only };
        let done = client.create_domain(request).await.map(tonic::Response::into_inner);
        done.map(|done| (done.domain, done.warnings))
    };
    let (domain, warnings) = done.map_err(|status| refused(&status))?;
    Ok((domain.unwrap_or_default(), warnings))
}
