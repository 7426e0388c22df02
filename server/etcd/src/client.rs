//! One call: a member, a deadline, a credential, and what the answer says of the history.

use crate::api::auth_client::AuthClient;
use crate::api::{AuthenticateRequest, ResponseHeader};
use crate::error::EtcdError;
use crate::history::History;
use crate::members::Members;
use crate::options::{EtcdOptions, Login};
use std::future::Future;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// A credential that etcd gave out.
type Token = MetadataValue<Ascii>;

/// A client of one etcd. Calls of it may be made side by side.
#[derive(Debug)]
pub struct EtcdClient {
    members: Members,
    login: Option<Login>,
    token: Mutex<Option<Token>>,
    timeout: Duration,
    pub(crate) history: History,
}

impl EtcdClient {
    /// A client that connects with its first call. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with an address or a file.
    pub fn new(options: &EtcdOptions) -> Result<Self, String> {
        Ok(Self {
            members: Members::new(options)?,
            login: options.login.clone(),
            token: Mutex::default(),
            timeout: options.call_timeout,
            history: History::default(),
        })
    }

    /// Whether etcd was found to be another one than before. Every call fails until [`accept`](Self::accept).
    pub fn has_other_history(&self) -> bool {
        self.history.is_broken()
    }

    /// Takes what etcd holds now for a new history.
    pub fn accept(&self) {
        self.history.accept();
    }

    /// Makes a call whose answer a quorum confirms. Sends it a second time only where the first attempt was certainly not carried out,
    /// or, where it only reads, whatever became of it.
    pub(crate) async fn confirmed<M, R, F>(
        &self,
        message: M,
        only_reads: bool,
        send: impl Fn(Channel, Request<M>) -> F,
        header: impl Fn(&R) -> Option<&ResponseHeader>,
    ) -> Result<R, EtcdError>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let before = self.history.before()?;
        let answer = self.call(message, only_reads, send).await?;
        let header =
            header(&answer).ok_or_else(|| EtcdError::Unknown("an answer without a header".into()))?;
        self.history.after(before, header)?;
        Ok(answer)
    }

    /// Makes a call whose answer says nothing of the history.
    pub(crate) async fn call<M, R, F>(
        &self,
        message: M,
        only_reads: bool,
        send: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<R, EtcdError>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        // A connection that broke unnoticed fails its next call: a read is made once more than there are members.
        let (mut left, mut has_new_token) = (self.members.count() + usize::from(only_reads), false);
        loop {
            let (number, channel) = self.members.current();
            let token = self.token(&channel).await;
            let sent = match &token {
                Ok(token) => {
                    let request = request(message.clone(), token.as_ref());
                    self.within(send(channel, request)).await.map(Response::into_inner)
                }
                // Nothing was sent, whatever became of the log-in.
                Err(error) => Err(match error {
                    EtcdError::Unknown(why) => EtcdError::Unreachable(why.clone()),
                    error => error.clone(),
                }),
            };
            let error = match sent {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error {
                EtcdError::Token(_) if !has_new_token && self.login.is_some() => {
                    has_new_token = true;
                    self.forget(token.ok().flatten().as_ref()).await;
                }
                EtcdError::Unreachable(_) | EtcdError::Unknown(_) => {
                    self.members.leave(number);
                    left -= 1;
                    if left == 0 || (matches!(error, EtcdError::Unknown(_)) && !only_reads) {
                        return Err(error);
                    }
                }
                error => return Err(error),
            }
        }
    }

    /// Opens a stream.
    pub(crate) async fn stream<M, R, F>(
        &self,
        messages: M,
        send: impl FnOnce(Channel, Request<M>) -> F,
    ) -> Result<R, EtcdError>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let (number, channel) = self.members.current();
        let token = self.token(&channel).await;
        let opened = match &token {
            Ok(token) => self.within(send(channel, request(messages, token.as_ref()))).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = &opened {
            match error {
                EtcdError::Token(_) => self.forget(token.ok().flatten().as_ref()).await,
                _ => self.members.leave(number),
            }
        }
        opened.map(Response::into_inner)
    }

    /// Asks another member from now on: this one says nothing.
    pub(crate) fn leave_member(&self) {
        self.members.leave(self.members.current().0);
    }

    async fn within<R>(
        &self,
        call: impl Future<Output = Result<Response<R>, Status>>,
    ) -> Result<Response<R>, EtcdError> {
        match timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(|status| EtcdError::of(&status)),
            Err(_) => Err(EtcdError::Unknown(format!("no answer within {:?}", self.timeout))),
        }
    }

    /// The token to send, which is fetched where there is none.
    async fn token(&self, channel: &Channel) -> Result<Option<Token>, EtcdError> {
        let Some(login) = &self.login else { return Ok(None) };
        // Held while one is fetched, so that calls side by side log in once.
        let mut token = self.token.lock().await;
        if token.is_none() {
            let asked = AuthenticateRequest { name: login.user.clone(), password: login.password.clone() };
            let mut auth = AuthClient::new(channel.clone());
            let answer = self.within(auth.authenticate(request(asked, None))).await?.into_inner();
            let given = answer.token.parse();
            *token = Some(given.map_err(|_| EtcdError::Refused("a token that cannot be sent back".into()))?);
        }
        Ok(token.clone())
    }

    /// Forgets a token that was refused, unless there is a newer one.
    async fn forget(&self, refused: Option<&Token>) {
        let mut token = self.token.lock().await;
        if token.as_ref() == refused {
            *token = None;
        }
    }
}

/// A request as etcd wants it. A member without a leader refuses it at once instead of keeping it.
fn request<M>(message: M, token: Option<&Token>) -> Request<M> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("hasleader", MetadataValue::from_static("true"));
    if let Some(token) = token {
        metadata.insert("token", token.clone());
    }
    request
}
