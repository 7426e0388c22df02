//! One server at a time on a store in etcd: the next one starts when the key of the former's session is gone.

use super::error::ServeError;
use crate::config::Settings;
use crate::store::etcd::{Etcd, SESSION_SECONDS, Session};
use crate::store::{OpenedStore, Store};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The key of the session.
const SERVER: &str = "server";
/// How long a server that was killed has to end its session.
const TIMEOUT: Duration = Duration::from_secs(SESSION_SECONDS as u64 + 3);
/// How often that is looked for.
const INTERVAL: Duration = Duration::from_millis(200);

/// Makes this process the server of a store in etcd; nothing for another store. Waits for a former one to end. Blocks for calls of
/// etcd.
///
/// # Errors
/// [`ServeError::InUse`] where another server goes on, or [`ServeError::Store`].
pub(super) fn hold(settings: &Settings, opened: &OpenedStore) -> Result<Option<Session>, ServeError> {
    let Some((etcd, cluster)) = opened.etcd.as_ref().zip(settings.cluster.as_ref()) else { return Ok(None) };
    wait_for_former(etcd)?;
    let node = cluster.node.to_string();
    Ok(Some(etcd.session(SERVER, None, Box::new(move || node.clone().into_bytes()))?))
}

fn wait_for_former(etcd: &Etcd) -> Result<(), ServeError> {
    let (started, (_never, pause)) = (Instant::now(), mpsc::channel::<()>());
    while let Some(entry) = etcd.read(SERVER)? {
        if started.elapsed() > TIMEOUT {
            return Err(ServeError::InUse { node: String::from_utf8_lossy(&entry.value).into_owned() });
        }
        let _ = pause.recv_timeout(INTERVAL);
    }
    Ok(())
}
