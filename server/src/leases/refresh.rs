//! What this node may not have seen yet: another node may have created a workspace or a team just before, and this one learns of it
//! from its watch of the store some milliseconds later. Before the owner of a shard refuses a call because it knows no such workspace
//! or team, it looks into the store.
//!
//! Calls that arrive during one look share the next, so that callers with wrong names cost the store a bounded number of reads.

use crate::error::Error;
use apportion_core::ids::WorkspaceId;
use apportion_core::request::Reason;
use apportion_core::time::Span;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Most workspaces that are looked up at once.
const LOOKS_MAX: usize = 256;
/// The pause between two rounds of looks.
const PAUSE: Duration = Duration::from_millis(10);
/// When to retry where too many are looked up.
const RETRY_AFTER: Span = Span::from_secs(1);

/// Where policies come from.
pub trait PolicySource: Debug + Send + Sync + 'static {
    /// Puts in force what the store holds of a workspace now, where that is not in force already. Blocks for calls of the store.
    ///
    /// # Errors
    /// [`Error::StoreLost`] where the store cannot be read.
    fn refresh(&self, workspace: &WorkspaceId) -> Result<(), Error>;
}

/// Who waits for a look at each workspace.
type Waiting = BTreeMap<WorkspaceId, Vec<oneshot::Sender<Result<(), Error>>>>;

/// Looks into the store for callers that wait.
#[derive(Debug)]
pub(super) struct Refresher {
    source: Arc<dyn PolicySource>,
    looks: Mutex<Looks>,
}

#[derive(Debug, Default)]
struct Looks {
    waiting: Waiting,
    /// Whether a task carries them out.
    has_task: bool,
}

impl Refresher {
    pub(super) fn new(source: Arc<dyn PolicySource>) -> Arc<Self> {
        Arc::new(Self { source, looks: Mutex::default() })
    }

    /// Returns once what the store held of a workspace, at some instant after this was called, is in force here.
    ///
    /// # Errors
    /// [`Error::StoreLost`], or [`Error::ServerFull`] where too many workspaces are looked up at once.
    pub(super) async fn refresh(self: &Arc<Self>, workspace: &WorkspaceId) -> Result<(), Error> {
        let look = self.ask(workspace)?;
        look.await.unwrap_or(Err(Error::Internal("a look into the store panicked")))
    }

    fn ask(self: &Arc<Self>, workspace: &WorkspaceId) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (sender, look) = oneshot::channel();
        let mut looks = self.looks();
        if looks.waiting.len() >= LOOKS_MAX && !looks.waiting.contains_key(workspace) {
            let what = "unknown workspaces are looked up";
            return Err(Error::ServerFull { what, most: LOOKS_MAX as u64, retry_after: RETRY_AFTER });
        }
        looks.waiting.entry(workspace.clone()).or_default().push(sender);
        if !std::mem::replace(&mut looks.has_task, true) {
            tokio::spawn(run(Arc::clone(self)));
        }
        Ok(look)
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who waits now; `None` where nobody does, and the task ends.
    fn round(&self) -> Option<Waiting> {
        let mut looks = self.looks();
        looks.has_task = !looks.waiting.is_empty();
        looks.has_task.then(|| std::mem::take(&mut looks.waiting))
    }
}

/// Carries out one round of looks after the other.
async fn run(refresher: Arc<Refresher>) {
    while let Some(round) = refresher.round() {
        let source = Arc::clone(&refresher.source);
        // Where a look panics, those who wait notice that nobody answers.
        let _ = tokio::task::spawn_blocking(move || {
            for (workspace, waiting) in round {
                let result = source.refresh(&workspace);
                waiting.into_iter().for_each(|caller| drop(caller.send(result.clone())));
            }
        })
        .await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether an error may be there only because this node has not seen a change yet.
pub(super) fn may_be_unseen(error: &Error) -> bool {
    match error {
        Error::UnknownWorkspace | Error::UnknownTeam => true,
        Error::Refused { refusal, .. } => refusal.reason == Reason::UnknownTeam,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Debug, Default)]
    struct Counted(AtomicUsize);

    impl PolicySource for Counted {
        fn refresh(&self, workspace: &WorkspaceId) -> Result<(), Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if workspace.as_str() == "lost" { Err(Error::StoreLost) } else { Ok(()) }
        }
    }

    fn id(name: &str) -> WorkspaceId {
        WorkspaceId::new(name).expect("a name")
    }

    #[tokio::test]
    async fn callers_share_a_look_and_each_gets_its_outcome() {
        let source = Arc::new(Counted::default());
        let refresher = Refresher::new(Arc::clone(&source) as Arc<dyn PolicySource>);
        let looks: Vec<_> = (0..100).map(|_| refresher.ask(&id("a")).expect("there is room")).collect();
        let lost = refresher.ask(&id("lost")).expect("there is room");
        for look in looks {
            assert_eq!(look.await, Ok(Ok(())));
        }
        assert_eq!(lost.await, Ok(Err(Error::StoreLost)));
        assert_eq!(source.0.load(Ordering::Relaxed), 2);
        // One that comes later is looked up again.
        assert_eq!(refresher.refresh(&id("a")).await, Ok(()));
        assert_eq!(source.0.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn only_so_many_workspaces_are_looked_up_at_once() {
        let refresher = Refresher::new(Arc::new(Counted::default()));
        let looks: Vec<_> = (0..LOOKS_MAX).map(|n| refresher.ask(&id(&format!("w{n}")))).collect();
        assert!(looks.iter().all(Result::is_ok));
        let full = refresher.refresh(&id("one-more")).await.expect_err("there is no room");
        assert!(matches!(full, Error::ServerFull { most: 256, .. }), "{full}");
        refresher.ask(&id("w0")).expect("it is looked up already").await.expect("an answer").expect("well");
    }
}
