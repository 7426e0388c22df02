//! A small service that calls a provider through reqwest, with a permit for each attempt: what a team would copy.
//!
//! `client/rust/examples/run --team sync --workers 4 --provider http://localhost:8080/contacts`

use apportion_client::reqwest::{PermitMiddleware, acquire_error};
use apportion_client::{AcquireError, Config, PrefetchOptions, Quota, Request};
use clap::Parser;
use reqwest_middleware::reqwest::{Client, redirect::Policy};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

const PAUSE: Duration = Duration::from_millis(20);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Calls a provider, a permit for each attempt.
#[derive(Parser)]
pub(crate) struct Flags {
    /// Where Apportion listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7420")]
    apportion: String,
    /// The workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// The team that is charged
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// The name of this service
    #[arg(long, value_name = "NAME", default_value = "example-rust")]
    caller: String,
    /// What is called
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/contacts")]
    provider: String,
    /// How many requests are in flight at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    workers: u32,
    /// Ends after so many requests; 100 unless --seconds is given
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    requests: Option<u64>,
    /// Ends after that long instead
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Waits until then before the first request, in seconds since the Unix epoch
    #[arg(long, value_name = "UNIX_S", value_parser = seconds)]
    start_at: Option<Duration>,
    /// Prints a line of JSON for each request instead of a summary
    #[arg(long)]
    json: bool,
}

/// What all workers share.
struct Service {
    http: ClientWithMiddleware,
    flags: Flags,
    started: AtomicU64,
    stops_at: Option<Instant>,
    is_stopped: AtomicBool,
    summary: Mutex<Summary>,
}

/// How often each kind of end of a request came.
type Summary = BTreeMap<String, u64>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (text, count) in run(Flags::parse()).await? {
        println!("{count} {text}");
    }
    Ok(())
}

/// Sends requests until the end that the flags say, or a signal.
pub(crate) async fn run(flags: Flags) -> Result<Summary, Box<dyn std::error::Error>> {
    let mut config = Config::new(&flags.apportion).caller(&flags.caller);
    if let Some(workspace) = &flags.workspace {
        config = config.workspace(workspace);
    }
    if let Some(team) = &flags.team {
        config = config.team(team);
    }
    let quota = Quota::connect(config)?;
    let http = http(&quota)?;
    let mut stop = stop_signals()?;
    tokio::select! {
        () = tokio::time::sleep(until(flags.start_at)) => {}
        _ = stop.recv() => return Ok(Summary::new()),
    }
    let service = Arc::new(Service {
        http,
        stops_at: flags.seconds.map(|seconds| Instant::now() + seconds),
        started: AtomicU64::new(0),
        is_stopped: AtomicBool::new(false),
        summary: Mutex::default(),
        flags,
    });
    let mut workers: JoinSet<()> = (0..service.flags.workers).map(|_| Arc::clone(&service).work()).collect();
    tokio::select! {
        () = async { while workers.join_next().await.is_some() {} } => {}
        _ = stop.recv() => service.is_stopped.store(true, Ordering::Relaxed),
    }
    // What waits for a permit fails; what is held goes back; what is in flight ends.
    quota.close().await;
    while workers.join_next().await.is_some() {}
    Ok(std::mem::take(&mut *service.summary.lock().expect("no worker panics")))
}

/// An HTTP client that takes a permit for each attempt. Redirects that reqwest follows by itself would have none.
fn http(quota: &Quota) -> Result<ClientWithMiddleware, Box<dyn std::error::Error>> {
    let prefetch = quota.prefetch(&Request::new().max_wait(MAX_WAIT), PrefetchOptions::new());
    let http = Client::builder().redirect(Policy::none()).timeout(MAX_WAIT * 2).build()?;
    Ok(ClientBuilder::new(http).with(PermitMiddleware::new(prefetch).return_unsent()).build())
}

impl Service {
    async fn work(self: Arc<Self>) {
        while self.goes_on() {
            let (at, since) = (SystemTime::now(), Instant::now());
            let result = self.request().await;
            self.note(at, since.elapsed(), result);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether another request is to be sent. Counts it.
    fn goes_on(&self) -> bool {
        if self.is_stopped.load(Ordering::Relaxed) {
            return false;
        }
        match self.stops_at {
            Some(stops_at) => Instant::now() < stops_at,
            None => self.started.fetch_add(1, Ordering::Relaxed) < self.flags.requests.unwrap_or(100),
        }
    }

    /// Sends one request, and reads its response to the end.
    async fn request(&self) -> Result<u16, Error> {
        let team = self.flags.team.as_deref().unwrap_or_default();
        let response = self.http.get(&self.flags.provider).header("X-Team", team).send().await?;
        let status = response.status().as_u16();
        response.bytes().await?;
        Ok(status)
    }

    fn note(&self, at: SystemTime, took: Duration, result: Result<u16, Error>) {
        if self.flags.json {
            let at_ns = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let (status, error) = match result {
                Ok(status) => (status, None),
                Err(error) => (0, Some(reason(&error))),
            };
            let mut line = serde_json::json!({ "at_ns": at_ns as u64, "took_us": took.as_micros() as u64, "status": status });
            if let Some(error) = error {
                line["error"] = error.into();
            }
            println!("{line}");
            return;
        }
        let text = match result {
            Ok(status) => format!("answers with status {status}"),
            Err(error) if acquire_error(&error).is_some() => format!("not sent: {}", reason(&error)),
            Err(error) => format!("without an answer: {}", reason(&error)),
        };
        *self.summary.lock().expect("no worker panics").entry(text).or_default() += 1;
    }
}

/// Why there is no response: a word where Apportion granted no permit, otherwise what reqwest says.
fn reason(error: &Error) -> String {
    match acquire_error(error) {
        Some(AcquireError::Refused { reason, .. }) => {
            reason.as_str_name().trim_start_matches("REASON_").into()
        }
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}

/// How long it is until an instant since the Unix epoch.
fn until(start_at: Option<Duration>) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    start_at.unwrap_or_default().saturating_sub(now)
}

/// Receives something on Ctrl-C and on SIGTERM.
fn stop_signals() -> std::io::Result<tokio::sync::mpsc::Receiver<()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let _ = sender.send(()).await;
    });
    Ok(receiver)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
