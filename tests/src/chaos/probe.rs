//! Asks nodes for permits of a workspace in which they never run out, in the shard of the one that is loaded: how long a grant takes.

use std::time::{Duration, Instant};

use apportion_proto::v1::AcquireLeaseRequest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Request;
use tonic::transport::Channel;

use super::names::{PATIENCE, SECRET};
use crate::process::wire::{Client, seconds};

/// The time from one request to the next.
const EVERY: Duration = Duration::from_millis(10);
/// How long each may take.
const MOST: Duration = Duration::from_secs(5);
/// How many shards there are.
const SHARDS: u64 = 64;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    workspace: String,
}

impl Probe {
    /// A workspace in the shard of another one.
    pub(super) fn beside(workspace: &str) -> Self {
        let mut names = (0..).map(|number| format!("probe-{number}"));
        let workspace = names.find(|name| shard(name) == shard(workspace)).expect("there is one");
        Self { workspace }
    }

    /// The name of the workspace.
    pub(super) fn workspace(&self) -> &str {
        &self.workspace
    }

    /// A request for one permit.
    pub(super) fn request(&self) -> Request<AcquireLeaseRequest> {
        let request = AcquireLeaseRequest {
            workspace: self.workspace.clone(),
            max_wait: Some(seconds(3)),
            ..AcquireLeaseRequest::default()
        };
        let mut request = Request::new(request);
        request.set_timeout(MOST);
        let header = format!("Bearer {SECRET}").parse().expect("printable");
        request.metadata_mut().insert("authorization", header);
        request
    }

    /// Asks now, and sends how that ended: when it was asked, and when it was granted.
    fn ask(&self, node: &Channel, answers: &mpsc::UnboundedSender<Answer>) {
        let (mut client, answers, request) = (Client::new(node.clone()), answers.clone(), self.request());
        let sent = Instant::now();
        tokio::spawn(async move {
            let refused = client.acquire_lease(request).await.err().map(|status| status.to_string());
            let _ = answers.send(Answer { sent, came: Instant::now(), refused });
        });
    }

    /// Asks a node again and again, whether or not it has answered, until a request is granted.
    pub(super) async fn granted(&self, node: Channel) -> Instant {
        let (sender, mut answers) = mpsc::unbounded_channel::<Answer>();
        let (started, mut ticks) = (Instant::now(), tokio::time::interval(EVERY));
        loop {
            tokio::select! {
                Some(answer) = answers.recv() => match answer.refused {
                    None => return answer.came,
                    Some(why) => assert!(started.elapsed() < PATIENCE, "a node grants nothing: {why}"),
                },
                _ = ticks.tick() => self.ask(&node, &sender),
            }
        }
    }
}

/// How a request ended.
#[derive(Clone, Debug)]
struct Answer {
    sent: Instant,
    came: Instant,
    refused: Option<String>,
}

/// Requests that are sent all the time.
#[derive(Debug)]
pub(super) struct Asking {
    task: JoinHandle<mpsc::UnboundedReceiver<Answer>>,
    stop: mpsc::Sender<()>,
}

impl Asking {
    /// Asks nodes in turn from now on.
    pub(super) fn start(probe: &Probe, nodes: Vec<Channel>) -> Self {
        let (probe, (stop, mut is_stopped)) = (probe.clone(), mpsc::channel(1));
        let task = tokio::spawn(async move {
            let (sender, answers) = mpsc::unbounded_channel();
            let mut ticks = tokio::time::interval(EVERY);
            for node in nodes.iter().cycle() {
                tokio::select! {
                    _ = ticks.tick() => probe.ask(node, &sender),
                    _ = is_stopped.recv() => break,
                }
            }
            answers
        });
        Self { task, stop }
    }

    /// Stops, and returns how long the slowest grant took. Fails if a request was refused.
    pub(super) async fn slowest(self) -> Duration {
        let answers = self.stop().await;
        let each = answers.iter().map(|answer| {
            assert_eq!(answer.refused, None, "after {:?}", answer.came - answer.sent);
            answer.came - answer.sent
        });
        each.max().unwrap_or_default()
    }

    /// Stops, and returns the longest time without a grant since an instant.
    pub(super) async fn gap(self, since: Instant) -> Duration {
        let mut granted: Vec<_> =
            self.stop().await.into_iter().filter(|answer| answer.refused.is_none()).collect();
        granted.sort_by_key(|answer| answer.came);
        let (mut last, mut longest) = (since, Duration::ZERO);
        for answer in granted.iter().filter(|answer| answer.came >= since) {
            longest = longest.max(answer.came - last);
            last = answer.came;
        }
        longest
    }

    async fn stop(self) -> Vec<Answer> {
        drop(self.stop);
        let (mut left, mut answers) = (self.task.await.expect("no panic"), Vec::new());
        while let Some(answer) = left.recv().await {
            answers.push(answer);
        }
        answers
    }
}

/// The shard of a workspace: the server's hash, which never changes.
fn shard(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % SHARDS
}
