//! Follows the keys with one prefix: lists them, then reports each change from there. A watch that breaks, or whose past was
//! compacted, lists them again.

use super::super::kv::{Entry, StoreVersion};
use super::database::{Etcd, scan};
use super::link::EtcdLink;
use apportion_etcd::EtcdError;
use apportion_etcd::api::Event;
use apportion_etcd::api::event::EventType;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Most reports that wait for their reader, who then holds the watch up.
const QUEUE: usize = 64;
/// How long to wait after a watch broke.
const PAUSE: Duration = Duration::from_millis(200);

/// What is seen of the keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SeenKeys {
    /// All of them, and no others, as of a version.
    Listed(Vec<Entry>, StoreVersion),
    /// These have changed since, in order.
    Changed(Vec<Followed>),
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Followed {
    /// A key has a new value.
    Put(Entry),
    /// A key is gone, since the transaction of this version.
    Deleted(String, StoreVersion),
}

/// Follows keys until it is dropped.
#[derive(Debug)]
pub struct Follow {
    reports: mpsc::Receiver<SeenKeys>,
    heard: Arc<Heard>,
    task: tokio::task::JoinHandle<()>,
}

/// When a watch was last known to be complete.
#[derive(Debug)]
struct Heard {
    since: Instant,
    at_ms: AtomicU64,
}

impl Heard {
    fn set(&self) {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at_ms.store(ms, Ordering::Release);
    }
}

impl Etcd {
    /// Follows the keys that start with `prefix`.
    pub fn follow(&self, prefix: &str) -> Follow {
        self.start(prefix, true)
    }

    /// Reports changes of the keys that start with `prefix`, and lists none: what changes while a watch is broken is missed.
    pub fn follow_changes(&self, prefix: &str) -> Follow {
        self.start(prefix, false)
    }

    fn start(&self, prefix: &str, lists: bool) -> Follow {
        let heard = Arc::new(Heard { since: Instant::now(), at_ms: AtomicU64::new(0) });
        let (sender, reports) = mpsc::channel(QUEUE);
        let keys = FollowedKeys { prefix: prefix.to_owned(), lists };
        let work = follow(Arc::clone(self.link()), keys, sender, Arc::downgrade(&heard));
        Follow { reports, heard, task: self.handle().spawn(work) }
    }
}

impl Follow {
    /// The next report; `None` once there are no more.
    pub async fn next(&mut self) -> Option<SeenKeys> {
        self.reports.recv().await
    }

    /// For how long it has been unknown whether anything changed.
    pub fn silence(&self) -> Duration {
        let at = Duration::from_millis(self.heard.at_ms.load(Ordering::Acquire));
        self.heard.since.elapsed().saturating_sub(at)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Which keys are followed, and whether they are listed first.
struct FollowedKeys {
    prefix: String,
    lists: bool,
}

async fn follow(
    link: Arc<EtcdLink>,
    keys: FollowedKeys,
    reports: mpsc::Sender<SeenKeys>,
    heard: Weak<Heard>,
) {
    while let Some(heard) = heard.upgrade() {
        let over = round(&link, &keys, &reports, &heard).await;
        match over {
            Ok(()) => return,
            Err(EtcdError::Compacted) => {}
            Err(error) => {
                tracing::warn!(prefix = keys.prefix, error = %error, "a watch of etcd broke: it is listed again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Lists and watches until the reader is gone.
async fn round(
    link: &EtcdLink,
    FollowedKeys { prefix, lists }: &FollowedKeys,
    reports: &mpsc::Sender<SeenKeys>,
    heard: &Heard,
) -> Result<(), EtcdError> {
    let from = link.keys.outer(prefix);
    let revision = link.client.range(from.clone(), Vec::new(), 1, 0).await?.revision;
    let mut watcher = link.client.watch(&from, revision + 1).await?;
    if *lists {
        let listed = scan(link, prefix, None, usize::MAX, revision).await?;
        heard.set();
        if reports.send(SeenKeys::Listed(listed, revision.unsigned_abs())).await.is_err() {
            return Ok(());
        }
    }
    loop {
        let watched = watcher.next(&link.client).await?;
        heard.set();
        let changes: Vec<_> = watched.events.into_iter().filter_map(|event| change(link, event)).collect();
        if !changes.is_empty() && reports.send(SeenKeys::Changed(changes)).await.is_err() {
            return Ok(());
        }
    }
}

fn change(link: &EtcdLink, event: Event) -> Option<Followed> {
    let is_put = event.r#type() == EventType::Put;
    let found = link.keys.entry(event.kv?)?;
    Some(if is_put { Followed::Put(found) } else { Followed::Deleted(found.key, found.version) })
}
