//! Changes of keys as they happen.

use crate::api::watch_client::WatchClient;
use crate::api::watch_request::RequestUnion;
use crate::api::{Event, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};
use crate::calls::range_end;
use crate::client::EtcdClient;
use crate::error::EtcdError;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// How often a watch asks how far it has come. etcd alone says so every ten minutes.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// How long a watch may be silent before another member is asked.
const SILENCE_MAX: Duration = Duration::from_secs(4);

/// Changes of all keys with one prefix, in order.
#[derive(Debug)]
pub struct Watcher {
    requests: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
    heard_at: Instant,
}

/// What a watch reports.
#[derive(Clone, PartialEq, Debug)]
pub struct Watched {
    /// What changed, in order; nothing where only the progress is reported.
    pub events: Vec<Event>,
    /// Every change up to this revision was reported.
    pub revision: i64,
}

impl EtcdClient {
    /// Watches the keys that start with `prefix`, from a revision on.
    ///
    /// # Errors
    /// [`EtcdError`]; the next attempt asks another member.
    pub async fn watch(&self, prefix: &[u8], from: i64) -> Result<Watcher, EtcdError> {
        let (requests, messages) = mpsc::channel(4);
        let create = WatchCreateRequest {
            key: prefix.to_vec(),
            range_end: range_end(prefix),
            start_revision: from,
            progress_notify: true,
        };
        let create = WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        // The channel is empty.
        let _ = requests.try_send(create);
        let answers = self
            .stream(ReceiverStream::new(messages), async |channel, request| {
                WatchClient::new(channel).watch(request).await
            })
            .await?;
        Ok(Watcher { requests, answers, heard_at: Instant::now() })
    }
}

impl Watcher {
    /// The next report. Cancelling it loses nothing.
    ///
    /// # Errors
    /// [`EtcdError`]: the watch is over. [`EtcdError::Compacted`]: what was asked for cannot be reported any more.
    pub async fn next(&mut self, client: &EtcdClient) -> Result<Watched, EtcdError> {
        loop {
            let answer = match timeout(PROGRESS_INTERVAL, self.answers.message()).await {
                Ok(Ok(Some(answer))) => answer,
                Ok(Ok(None)) => return Err(EtcdError::Unknown("the watch has ended".into())),
                Ok(Err(status)) => {
                    client.leave_member();
                    return Err(EtcdError::of(&status));
                }
                Err(_) if self.heard_at.elapsed() > SILENCE_MAX => {
                    client.leave_member();
                    return Err(EtcdError::Unknown("the watch is silent".into()));
                }
                Err(_) => {
                    let union = RequestUnion::ProgressRequest(WatchProgressRequest {});
                    // Where the last ones were not sent yet, the silence ends the watch soon.
                    let _ = self.requests.try_send(WatchRequest { request_union: Some(union) });
                    continue;
                }
            };
            self.heard_at = Instant::now();
            if let Some(watched) = report(client, answer)? {
                return Ok(watched);
            }
        }
    }
}

fn report(client: &EtcdClient, answer: WatchResponse) -> Result<Option<Watched>, EtcdError> {
    let header = answer.header.unwrap_or_default();
    client.history.glance(&header);
    if answer.compact_revision > 0 {
        return Err(EtcdError::Compacted);
    }
    if answer.canceled {
        return Err(EtcdError::Unknown(format!("the watch was cancelled: {}", answer.cancel_reason)));
    }
    if answer.created {
        return Ok(None);
    }
    Ok(Some(Watched { events: answer.events, revision: header.revision }))
}
