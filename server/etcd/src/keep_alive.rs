//! Keeps a lease alive.

use crate::api::lease_client::LeaseClient;
use crate::api::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use crate::client::EtcdClient;
use crate::error::EtcdError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// The stream on which a lease is kept alive.
#[derive(Debug)]
pub struct KeepAlive {
    id: i64,
    requests: mpsc::Sender<LeaseKeepAliveRequest>,
    answers: Streaming<LeaseKeepAliveResponse>,
}

impl EtcdClient {
    /// Opens the stream for a lease.
    ///
    /// # Errors
    /// [`EtcdError`]; the next attempt asks another member.
    pub async fn keep_alive(&self, id: i64) -> Result<KeepAlive, EtcdError> {
        let (requests, messages) = mpsc::channel(1);
        // etcd answers the opening of the stream with the first message.
        let _ = requests.try_send(LeaseKeepAliveRequest { id });
        let answers = self
            .stream(ReceiverStream::new(messages), async |channel, request| {
                LeaseClient::new(channel).lease_keep_alive(request).await
            })
            .await?;
        let mut stream = KeepAlive { id, requests, answers };
        stream.answer().await?;
        Ok(stream)
    }

    /// Asks another member from now on.
    pub fn try_next_member(&self) {
        self.leave_member();
    }
}

impl KeepAlive {
    /// Renews the lease: it lives its whole time, counted from before the call. Has no time-out of its own.
    ///
    /// # Errors
    /// [`EtcdError`]: the stream is over. [`EtcdError::Refused`]: so is the lease.
    pub async fn renew(&mut self) -> Result<(), EtcdError> {
        let over = |_| EtcdError::Unknown("the stream of keep-alives has ended".into());
        self.requests.send(LeaseKeepAliveRequest { id: self.id }).await.map_err(over)?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<(), EtcdError> {
        match self.answers.message().await {
            Ok(Some(answer)) if answer.ttl > 0 => Ok(()),
            Ok(Some(_)) => Err(EtcdError::Refused("the lease has ended".into())),
            Ok(None) => Err(EtcdError::Unknown("the stream of keep-alives has ended".into())),
            Err(status) => Err(EtcdError::of(&status)),
        }
    }
}
