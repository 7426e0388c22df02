//! `apportion token`.

use super::connection::{Client, Connection, refused};
use super::{id, show, span};
use crate::terminal;
use apportion_proto::v1;
use apportion_server::service::admin::new_secret;
use apportion_server::service::gate;
use std::time::Duration;
use tonic::{Code, Status};

/// How often a token is asked for whose making is in doubt.
const ATTEMPTS: usize = 5;
/// The pause between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// What is done with tokens.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the tokens, without their secrets
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a token; its secret is shown this once
    Create(Create),
    /// Delete a token: it opens nothing any more
    Delete {
        /// The id of the token
        #[arg(value_parser = id)]
        token: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What token to make.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// The id of the token
    #[arg(value_parser = id)]
    token: String,
    /// What it allows: client, observer or admin
    #[arg(long, value_parser = role)]
    role: i32,
    /// Where it allows that: WORKSPACE or WORKSPACE/TEAM; * is every workspace
    #[arg(long)]
    scope: Vec<String>,
    /// What it is for, for people
    #[arg(long, default_value = "")]
    note: String,
    /// How long it is valid, such as 86400s
    #[arg(long, value_parser = span)]
    ttl: Option<prost_types::Duration>,
    #[command(flatten)]
    connection: Connection,
}

fn role(name: &str) -> Result<i32, String> {
    let known = v1::Role::from_str_name(&format!("ROLE_{}", name.to_uppercase()));
    known.map(i32::from).ok_or_else(|| "allowed are client, observer and admin".into())
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
    // The secret is known here before anybody keeps its hash: whatever becomes of the answer, nobody is locked out.
    let secret = new_secret().map_err(|error| format!("no random bits could be had: {error}"))?;
    let request = v1::CreateTokenRequest {
        token_id: asked.token.clone(),
        token: Some(token),
        ttl: asked.ttl,
        validate_only: false,
        secret_sha256: gate::hash(&secret).into(),
    };
    let made =
        made(&mut asked.connection.client().await?, request).await.map_err(|(status, is_in_doubt)| {
            let told = refused(&status);
            match is_in_doubt {
                true => format!(
                    "{told}\nit is not known whether the token was made; if it was, its secret is {secret}"
                ),
                false => told,
            }
        })?;
    // An older server makes the secret itself.
    let secret = if made.secret.is_empty() { secret } else { made.secret };
    show::warnings(&made.warnings);
    if asked.connection.json {
        let name = made.token.unwrap_or_default().name;
        terminal::json(&serde_json::json!({ "name": name, "secret": secret }));
    } else {
        show::one(&show::token(&made.token.unwrap_or_default()), false);
        terminal::line(&format!("secret, shown this once: {secret}"));
    }
    Ok(())
}

/// Asks for the token, again where it is in doubt whether it was made. Fails with the last answer, and whether the doubt remains.
async fn made(
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
