//! A running driver: requests by id, responses in any order, its standard error.

use std::collections::HashMap;
use std::io::Read;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::driver::catalog::DriverCommand;
use crate::frame;
use crate::v1::driver_request::Operation;
use crate::v1::driver_response::Result as Outcome;
use crate::v1::{DriverRequest, DriverResponse, Hello, HelloResult};

/// How long a driver has until it answers `Hello`.
const HELLO_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of the standard error is kept, from its end.
const STDERR_MAX: usize = 1 << 16;

/// An answer of a driver, and when it arrived.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What came of the operation.
    pub outcome: Outcome,
    /// How long it took inside the driver.
    pub elapsed: Duration,
    /// When the answer arrived.
    pub at: Instant,
}

/// The open requests, or why there are no more answers.
type Pending = Result<HashMap<u64, oneshot::Sender<Answer>>, String>;

/// A running driver. It is killed when it is dropped.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    requests: Requests,
    stderr: Arc<Mutex<Vec<u8>>>,
    hello: HelloResult,
}

/// The requests to a driver. Clones share it.
#[derive(Clone, Debug)]
pub struct Requests {
    frames: mpsc::Sender<DriverRequest>,
    pending: Arc<Mutex<Pending>>,
    ids: Arc<AtomicU64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    /// Starts a driver and says hello.
    ///
    /// # Errors
    /// If it cannot be started, or does not answer as the protocol says.
    pub async fn start(command: &DriverCommand) -> Result<Self, String> {
        let mut process = command.command();
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = process.spawn().map_err(|why| format!("{command:?} cannot be started: {why}"))?;
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let errors = child.stderr.take().expect("piped");
        let stderr: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = Arc::clone(&stderr);
        thread::spawn(move || keep(errors, &kept));
        let pending = Arc::new(Mutex::new(Ok(HashMap::new())));
        let open = Arc::clone(&pending);
        thread::spawn(move || read_all(stdout, &open));
        let (frames, queue) = mpsc::channel();
        thread::spawn(move || write_all(stdin, &queue));
        let requests = Requests { frames, pending, ids: Arc::new(AtomicU64::new(1)) };
        let mut driver = Self { child, requests, stderr, hello: HelloResult::default() };
        let hello = driver.say_hello().await;
        driver.hello = hello.map_err(|why| format!("{command:?}: {why}\n{}", driver.stderr()))?;
        Ok(driver)
    }

    async fn say_hello(&self) -> Result<HelloResult, String> {
        let answer = self.requests.send(0, Operation::Hello(Hello { version: 1 })).1;
        let answer = tokio::time::timeout(HELLO_TIMEOUT, answer).await;
        let answer = answer.map_err(|_| format!("no answer to Hello within {HELLO_TIMEOUT:?}"))??;
        match answer.outcome {
            Outcome::Hello(hello) if hello.version == 1 => Ok(hello),
            other => Err(format!("Hello was answered with {other:?}")),
        }
    }

    /// What it said of itself.
    pub fn hello(&self) -> &HelloResult {
        &self.hello
    }

    /// Its requests.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The end of its standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&locked(&self.stderr)).into_owned()
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still answers.
    pub fn is_alive(&self) -> bool {
        locked(&self.requests.pending).is_ok()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A stopped process is killed as well; one that has exited is only waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Requests {
    /// Sends a request now. The result is its id and its answer, or why none will come.
    pub fn send(
        &self,
        process: u32,
        operation: Operation,
    ) -> (u64, impl Future<Output = Result<Answer, String>> + use<>) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let is_open = match &mut *locked(&self.pending) {
            Ok(pending) => {
                pending.insert(id, sender);
                Ok(())
            }
            Err(why) => Err(why.clone()),
        };
        let request = DriverRequest { id, process, operation: Some(operation) };
        let _ = self.frames.send(request);
        let ended = Arc::clone(&self.pending);
        let answer = async move {
            is_open?;
            receiver.await.map_err(|_| match &*locked(&ended) {
                Err(why) => why.clone(),
                Ok(_) => "the request was forgotten".into(),
            })
        };
        (id, answer)
    }
}

fn keep(mut errors: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = errors.read(&mut bytes) {
        let mut kept = locked(kept);
        kept.extend_from_slice(&bytes[..length]);
        let excess = kept.len().saturating_sub(STDERR_MAX);
        kept.drain(..excess);
    }
}

fn write_all(mut stdin: ChildStdin, queue: &mpsc::Receiver<DriverRequest>) {
    while let Ok(request) = queue.recv() {
        if frame::write(&mut stdin, &request).is_err() {
            return; // the reader reports the end
        }
    }
}

fn read_all(mut stdout: ChildStdout, pending: &Mutex<Pending>) {
    let why = loop {
        match frame::read::<DriverResponse>(&mut stdout) {
            Ok(Some(response)) => {
                let answer = response.result.map(|outcome| Answer {
                    outcome,
                    elapsed: Duration::from_micros(response.elapsed_us),
                    at: Instant::now(),
                });
                let sender = locked(pending).as_mut().ok().and_then(|pending| pending.remove(&response.id));
                match (sender, answer) {
                    (Some(sender), Some(answer)) => drop(sender.send(answer)),
                    (None, _) => break format!("an answer to no request: {}", response.id),
                    (_, None) => break format!("an answer without a result: {}", response.id),
                }
            }
            Ok(None) => break "the driver has ended".into(),
            Err(why) => break format!("the driver broke the protocol: {why}"),
        }
    };
    *locked(pending) = Err(why);
}
