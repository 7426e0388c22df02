//! `apportion serve`: the settings, the log, and what the start says.

use crate::terminal;
use apportion_server::config::{ADMIN_TOKEN, Flags, Log, LogFormat, LogLevel, Settings};
use apportion_server::serve::{Running, ServeError};
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;

/// Serve leases over gRPC
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

/// Serves until the process is told to stop.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let settings =
        Settings::load(&args.flags, std::env::var(ADMIN_TOKEN).ok()).map_err(|error| error.to_string())?;
    log(&settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(serve(&settings)).map_err(|error| error.to_string())?;
    Ok(true)
}

async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let running = Running::start(settings).await?;
    greet(settings, &running);
    running.until_signalled().await
}

fn log(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Colours are for people.
    let ansi = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(ansi)
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Only the first call of a process has an effect, and there is one.
    let _ = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}

/// Says where it serves, to whom, and what to try next; where the log is for programs, in JSON on one line. A program that reads it
/// takes the first line, and may go away then: nothing depends on whether this is read.
fn greet(settings: &Settings, running: &Running) {
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let who = match (running.authenticates, clients.is_some()) {
        (true, true) => {
            "callers must have a client certificate with a role, or send `authorization: Bearer <secret>`"
        }
        (true, false) => "callers must send `authorization: Bearer <secret>`",
        (false, _) => {
            "nobody has to say who they are, until the first token is made: everybody who reaches this address is an administrator"
        }
    };
    let store = settings.data_dir.display();
    let (address, http) = (running.address, running.http_address);
    if settings.log.format == LogFormat::Json {
        return terminal::json(&serde_json::json!({
            "message": "serving",
            "grpc": address.to_string(),
            "http": http.to_string(),
            "tls": settings.tls.is_some(),
            "authenticates": running.authenticates,
            "store": store.to_string(),
            "is_new_store": running.is_new,
        }));
    }
    let how = if settings.tls.is_some() { "-cacert CA.pem" } else { "-plaintext" };
    let new = if running.is_new { " (new: there was none)" } else { "" };
    terminal::line(&format!("apportion serves gRPC on {address}, metrics and health on http://{http}"));
    terminal::line(&format!("store: {store}{new}"));
    terminal::line(who);
    terminal::line(&format!("try: grpcurl {how} {address} apportion.v1.QuotaService/AcquireLease"));
}
