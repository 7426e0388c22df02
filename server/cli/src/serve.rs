//! `apportion serve`: loads the settings, sets up the log, and serves.

use crate::admin;
use crate::terminal;
use apportion_server::config::{ADMIN_TOKEN, Flags, Log, LogFormat, LogLevel, Settings};
use apportion_server::serve::{Running, ServeError};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use tracing::level_filters::LevelFilter;

/// Run the server
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// For development and tests: keep everything in memory, on loopback and without credentials; the first line of output is JSON
    #[arg(long)]
    dev: bool,
    /// Policy file to apply before the server is announced, or - for standard input; only with --dev
    #[arg(long, value_name = "FILE", requires = "dev")]
    policy: Option<PathBuf>,
}

/// Serves until the process is signalled to stop.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let secret = std::env::var(ADMIN_TOKEN).ok();
    let settings = match args.dev {
        true => Settings::dev(&args.flags, secret.as_deref()),
        false => Settings::load(&args.flags, secret),
    };
    let settings = settings.map_err(|error| error.to_string())?;
    log(&settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let served = async {
        match args.dev {
            true => serve_in_memory(&settings, args.policy.as_deref()).await,
            false => serve(&settings).await.map_err(|error| error.to_string()),
        }
    };
    runtime.block_on(served)?;
    Ok(true)
}

async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let running = Running::start(settings).await?;
    greet(settings, &running);
    running.until_signalled().await
}

/// Serves for development. The policy is in force before anybody learns of the server.
async fn serve_in_memory(settings: &Settings, policy: Option<&Path>) -> Result<(), String> {
    let running = Running::start_in_memory(settings).await.map_err(|error| error.to_string())?;
    let (address, url) = (running.address, format!("http://{}", running.address));
    if let Some(policy) = policy {
        admin::load(&url, policy).await?;
    }
    terminal::json(&serde_json::json!({
        "message": "serving",
        "url": url,
        "grpc": address.to_string(),
        "http": running.http_address.to_string(),
    }));
    if settings.log.format == LogFormat::Text {
        terminal::line(&format!("connect to {url}: no token is needed, and nothing is kept"));
        terminal::line(&format!("try: grpcurl -plaintext {address} apportion.v1.QuotaService/AcquireLease"));
    }
    running.until_signalled().await.map_err(|error| error.to_string())
}

fn log(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // A terminal gets colors.
    let ansi = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(ansi)
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Only the first call in a process has an effect, and this is the only one.
    let _ = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}

/// Prints the addresses, who may call, and what to try next; one line of JSON if the log is JSON. A program that reads it may stop after
/// the first line.
fn greet(settings: &Settings, running: &Running) {
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let who = match (running.authenticates, clients.is_some()) {
        (true, true) => "callers need a client certificate with a role, or `authorization: Bearer <secret>`",
        (true, false) => "callers need `authorization: Bearer <secret>`",
        (false, _) => {
            "no authentication until the first token is created: everyone who reaches this address is an administrator"
        }
    };
    let store = settings.store_name();
    let (address, http) = (running.address, running.http_address);
    if settings.log.format == LogFormat::Json {
        return terminal::json(&serde_json::json!({
            "message": "serving",
            "grpc": address.to_string(),
            "http": http.to_string(),
            "tls": settings.tls.is_some(),
            "authenticates": running.authenticates,
            "store": store,
            "is_new_store": running.is_new,
        }));
    }
    let how = if settings.tls.is_some() { "-cacert CA.pem" } else { "-plaintext" };
    let new = if running.is_new { " (new)" } else { "" };
    terminal::line(&format!("apportion serves gRPC on {address}, metrics and health on http://{http}"));
    terminal::line(&format!("store: {store}{new}"));
    terminal::line(who);
    terminal::line(&format!("try: grpcurl {how} {address} apportion.v1.QuotaService/AcquireLease"));
}
