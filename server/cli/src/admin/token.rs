//! `apportion token`.

use super::secret::{hash, new_secret};
use super::show;
use crate::argument::{id, span};
use crate::connection::{Client, Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use std::time::Duration;
use tonic::{Code, Status};

/// How often creating a token is tried while its outcome is unknown.
const ATTEMPTS: usize = 5;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The commands for tokens.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the tokens, without their secrets
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Create a token and print its secret, which is shown only once
    Create(Create),
    /// Delete a token; it stops working at once
    Delete {
        /// Token id
        #[arg(value_parser = id)]
        token: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A token to create.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// Token id
    #[arg(value_parser = id)]
    token: String,
    /// Role of the token: client, observer or admin
    #[arg(long, value_parser = role)]
    role: i32,
    /// Scope of a client or observer: WORKSPACE or WORKSPACE/TEAM, with * for every workspace; repeatable
    #[arg(long)]
    scope: Vec<String>,
    /// Free-form description
    #[arg(long, default_value = "")]
    note: String,
    /// Lifetime, such as 86400s [default: unlimited]
    #[arg(long, value_parser = span)]
    ttl: Option<prost_types::Duration>,
    #[command(flatten)]
    connection: Connection,
}

fn role(name: &str) -> Result<i32, String> {
    let known = v1::Role::from_str_name(&format!("ROLE_{}", name.to_uppercase()));
    known.map(i32::from).ok_or_else(|| "expected client, observer or admin".into())
}

/// Runs the command.
pub(super) async fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::List { connection } => list(connection).await,
        Command::Create(request) => create(request).await,
        Command::Delete { token, connection } => {
            let request = v1::DeleteTokenRequest { name: format!("tokens/{token}"), validate_only: false };
            let deleted = connection.client().await?.delete_token(request).await;
            deleted.map(|_| ()).map_err(|status| refused(&status))
        }
    }
}

async fn list(connection: &Connection) -> Result<(), String> {
    let mut client = connection.client().await?;
    let mut request = v1::ListTokensRequest { page_size: 1_000, ..Default::default() };
    let mut rows = Vec::new();
    loop {
        let page = client.list_tokens(request.clone()).await.map_err(|status| refused(&status))?.into_inner();
        rows.extend(page.tokens.iter().map(show::token));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    show::many(&rows, &["role", "scopes", "expire_time", "note"], connection.json);
    Ok(())
}

async fn create(asked: &Create) -> Result<(), String> {
    let scope = |text: &String| {
        let (workspace, team) = text.split_once('/').unwrap_or((text, ""));
        v1::Scope { workspace: workspace.into(), team: team.into() }
    };
    let token = v1::Token {
        role: asked.role,
        scopes: asked.scope.iter().map(scope).collect(),
        note: asked.note.clone(),
        ..v1::Token::default()
    };
    // The secret is known here before the server stores its hash: a lost answer locks nobody out.
    let secret = new_secret().map_err(|error| format!("no random bits available: {error}"))?;
    let request = v1::CreateTokenRequest {
        token_id: asked.token.clone(),
        token: Some(token),
        ttl: asked.ttl,
        validate_only: false,
        secret_sha256: hash(&secret),
    };
    let made = create_token(&mut asked.connection.client().await?, request).await.map_err(
        |(status, is_in_doubt)| {
            let told = refused(&status);
            match is_in_doubt {
                true => format!("{told}\nthe token may have been created; if so, its secret is {secret}"),
                false => told,
            }
        },
    )?;
    // Older servers generate the secret.
    let secret = if made.secret.is_empty() { secret } else { made.secret };
    show::warnings(&made.warnings);
    if asked.connection.json {
        let name = made.token.unwrap_or_default().name;
        terminal::json(&serde_json::json!({ "name": name, "secret": secret }));
    } else {
        show::one(&show::token(&made.token.unwrap_or_default()), false);
        terminal::line(&format!("secret (shown only once): {secret}"));
    }
    Ok(())
}

/// Creates the token, and retries while the outcome is unknown. Fails with the last status, and whether the token may exist.
async fn create_token(
    client: &mut Client,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenResponse, (Status, bool)> {
    let mut is_in_doubt = false;
    for attempt in 1.. {
        let status = match client.create_token(request.clone()).await {
            Ok(made) => return Ok(made.into_inner()),
            Err(status) => status,
        };
        let is_open = matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded
        );
        is_in_doubt |= is_open;
        if !is_open || attempt == ATTEMPTS {
            return Err((status, is_in_doubt));
        }
        tokio::time::sleep(PAUSE).await;
    }
    unreachable!("the last attempt returns")
}
