//! A key that lives as long as this process keeps saying so.
//!
//! It is renewed on a thread of its own, over a connection of its own, so that nothing else holds it up. It counts as lost when its
//! time is over, counted from the sending of the last renewal that was answered: etcd may let it live longer, never shorter.

use super::super::error::StoreError;
use super::super::kv::StoreVersion;
use super::database::Etcd;
use super::link::{EtcdLink, EtcdSettings};
use apportion_etcd::{EtcdError, TxnRequest};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// After how long without a renewal a session ends, in seconds. etcd takes no less than two of its election time-outs.
pub const SESSION_SECONDS: u32 = 3;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_millis(750);
/// How long to wait after an error.
const PAUSE: Duration = Duration::from_millis(100);
/// How many leases of former sessions are remembered: each lives no longer than [`SESSION_SECONDS`].
const LEASES_MAX: usize = 64;
/// How long the end of a session may take.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes the value of the key, each time that it is written.
pub type SessionValue = Box<dyn Fn() -> Vec<u8> + Send + Sync>;

/// A key that ends with this process.
#[derive(Debug)]
pub struct Session {
    state: Arc<SessionState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct SessionState {
    key: String,
    since: Instant,
    /// Until when it is valid, in milliseconds after `since`.
    valid_until_ms: AtomicU64,
    /// How long the last write took, in microseconds.
    write_us: AtomicU64,
    is_taken: AtomicBool,
    is_ending: AtomicBool,
    /// The value is another one, or the session is to end.
    changed: Notify,
    /// The version that this process wrote last.
    version: Mutex<Option<StoreVersion>>,
    /// The leases under which this process may have written it, newest last. A write whose answer was lost bears one of them.
    leases: Mutex<VecDeque<i64>>,
}

impl Etcd {
    /// Keeps a key alive whose version is `expected` now; `None`: it is absent.
    ///
    /// # Errors
    /// [`StoreError`] where no thread can be started.
    pub fn session(
        &self,
        key: &str,
        expected: Option<StoreVersion>,
        value: SessionValue,
    ) -> Result<Session, StoreError> {
        let state = Arc::new(SessionState {
            key: key.into(),
            since: Instant::now(),
            valid_until_ms: AtomicU64::new(0),
            write_us: AtomicU64::new(0),
            is_taken: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            changed: Notify::new(),
            version: Mutex::new(expected),
            leases: Mutex::default(),
        });
        let (of_thread, settings) = (Arc::clone(&state), self.settings().clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(no_thread)?;
        let work = move || runtime.block_on(keep(&of_thread, &settings, &*value));
        let thread = std::thread::Builder::new().name("apportion-session".into()).spawn(work);
        let thread = thread.map_err(no_thread)?;
        Ok(Session { state, thread: Mutex::new(Some(thread)) })
    }
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::Etcd(format!("no thread can be started: {error}"))
}

impl Session {
    /// Whether the key is certainly there.
    pub fn is_valid(&self) -> bool {
        self.state.is_valid()
    }

    /// Whether another process has written the key.
    pub fn is_taken(&self) -> bool {
        self.state.is_taken.load(Ordering::Acquire)
    }

    /// How long the last write of the key took; zero before the first.
    pub fn write_time(&self) -> Duration {
        Duration::from_micros(self.state.write_us.load(Ordering::Relaxed))
    }

    /// Writes the key again, soon: its value is another one.
    pub fn rewrite(&self) {
        self.state.changed.notify_one();
    }

    /// Ends it: the key goes now, if etcd can be reached. Blocks for a call of etcd.
    pub fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.state.is_ending.store(true, Ordering::Release);
            self.state.changed.notify_one();
            let _ = thread.join();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

impl SessionState {
    fn is_valid(&self) -> bool {
        let until = Duration::from_millis(self.valid_until_ms.load(Ordering::Acquire));
        self.since.elapsed() < until
    }

    /// It was renewed by what was sent at this instant.
    fn renewed(&self, sent_at: Instant) {
        let until = sent_at + Duration::from_secs(SESSION_SECONDS.into());
        let ms = u64::try_from(until.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX);
        self.valid_until_ms.store(ms, Ordering::Release);
    }

    fn version(&self) -> Option<StoreVersion> {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_version(&self, version: Option<StoreVersion>) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    /// Takes note of a lease under which the key is about to be written.
    fn add_lease(&self, lease: i64) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.len() == LEASES_MAX {
            leases.pop_front();
        }
        leases.push_back(lease);
    }

    /// Whether this process has written a key that bears this lease.
    fn is_own(&self, lease: i64) -> bool {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).contains(&lease)
    }

    fn ends(&self) -> bool {
        self.is_ending.load(Ordering::Acquire) || self.is_taken.load(Ordering::Acquire)
    }
}

/// Makes the session again and again, until it is ended.
async fn keep(state: &SessionState, settings: &EtcdSettings, value: &(dyn Fn() -> Vec<u8> + Send + Sync)) {
    let link = match EtcdLink::new(settings) {
        Ok(link) => link,
        Err(why) => return tracing::error!(why, "no session can be made"),
    };
    while !state.ends() {
        let Err(error) = live(state, &link, value).await else { continue };
        if !state.is_valid() {
            tracing::warn!(error = %error, "the session of this node is lost: it is made again");
        }
        link.client.try_next_member();
        link.client.accept();
        sleep(PAUSE).await;
    }
}

/// One session, until it ends or is ended.
async fn live(
    state: &SessionState,
    link: &EtcdLink,
    value: &(dyn Fn() -> Vec<u8> + Send + Sync),
) -> Result<(), EtcdError> {
    let granted_at = Instant::now();
    let lease = link.client.grant_lease(SESSION_SECONDS.into()).await?;
    state.add_lease(lease);
    let lived = renew(state, link, value, lease, granted_at).await;
    if state.ends() {
        let _ = timeout(END_TIMEOUT, link.client.revoke_lease(lease)).await;
    }
    lived
}

async fn renew(
    state: &SessionState,
    link: &EtcdLink,
    value: &(dyn Fn() -> Vec<u8> + Send + Sync),
    lease: i64,
    granted_at: Instant,
) -> Result<(), EtcdError> {
    write(state, link, value(), lease).await?;
    if state.ends() {
        return Ok(());
    }
    state.renewed(granted_at);
    let silent = |_| EtcdError::Unknown("no answer to a keep-alive".into());
    let opened_at = Instant::now();
    let mut stream = timeout(RENEWAL, link.client.keep_alive(lease)).await.map_err(silent)??;
    state.renewed(opened_at);
    loop {
        let sent_at = Instant::now();
        timeout(RENEWAL, stream.renew()).await.map_err(silent)??;
        state.renewed(sent_at);
        let rest = RENEWAL.saturating_sub(sent_at.elapsed());
        if timeout(rest, state.changed.notified()).await.is_ok() {
            if state.ends() {
                return Ok(());
            }
            write(state, link, value(), lease).await?;
        }
    }
}

/// Writes the key, unless another process did.
async fn write(state: &SessionState, link: &EtcdLink, value: Vec<u8>, lease: i64) -> Result<(), EtcdError> {
    let key = link.keys.outer(&state.key);
    for _ in 0..2 {
        let request = TxnRequest {
            comparisons: vec![link.keys.compared(&state.key, state.version())],
            puts: vec![(key.clone(), value.clone())],
            lease,
            ..TxnRequest::default()
        };
        let sent_at = Instant::now();
        let written = link.client.txn(request).await;
        if let Ok(written) = &written
            && written.is_done
        {
            state
                .write_us
                .store(u64::try_from(sent_at.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            state.set_version(Some(written.revision.unsigned_abs()));
            return Ok(());
        }
        let unclear = written.err();
        let found = link.client.range(key.clone(), Vec::new(), 1, 0).await?.entries.into_iter().next();
        match (found, unclear) {
            // Its session ended meanwhile.
            (None, _) => state.set_version(None),
            (Some(found), _) if found.lease == lease => {
                state.set_version(Some(found.mod_revision.unsigned_abs()));
                return Ok(());
            }
            // A former session of this process wrote it, and did not learn that it did.
            (Some(found), _) if state.is_own(found.lease) => {
                state.set_version(Some(found.mod_revision.unsigned_abs()));
            }
            (Some(_), None) => {
                state.is_taken.store(true, Ordering::Release);
                return Ok(());
            }
            (Some(_), Some(error)) => return Err(error),
        }
    }
    Err(EtcdError::Unknown("the key of the session changes all the time".into()))
}
