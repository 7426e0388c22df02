//! The conformance driver of the Rust client: reads requests from its input, and writes responses as they come.

mod connect;
mod failure;

mod http;

mod library;

mod reading;

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use apportion_conformance::frame;
use apportion_conformance::v1::driver_request::Operation;
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;
use apportion_conformance::v1::{Done, DriverRequest, DriverResponse};
use library::Library;
use tokio::sync::oneshot;

/// Operations in flight, and how to cancel them.
type Running = Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let library = Arc::new(Library::default());
    let running = Running::default();
    let (requests, mut queue) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(request)) = frame::read::<DriverRequest>(&mut input) {
            let _ = requests.send(request);
        }
    });
    while let Some(request) = queue.recv().await {
        let (id, started) = (request.id, Instant::now());
        let Some(operation) = request.operation.filter(|_| request.process == 0) else {
            respond(id, started, failure::of(Kind::Unsupported, "no such operation or process"));
            continue;
        };
        match operation {
            Operation::Cancel(cancel) => {
                forget(&running, cancel.request);
                respond(id, started, Outcome::Done(Done {}));
            }
            operation => {
                if matches!(operation, Operation::Reset(_)) {
                    running.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
                let (cancel, cancelled) = oneshot::channel();
                running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, cancel);
                let (library, running) = (Arc::clone(&library), Arc::clone(&running));
                tokio::spawn(async move {
                    // A task of its own, so that a panic of the library is an answer.
                    let mut task = tokio::spawn(async move { library.run(operation).await });
                    let outcome = tokio::select! {
                        outcome = &mut task => match outcome {
                            Ok(outcome) => outcome.unwrap_or_else(|failure| failure),
                            Err(panic) => failure::of(Kind::Other, panic),
                        },
                        _ = cancelled => {
                            task.abort();
                            failure::of(Kind::Cancelled, "cancelled")
                        }
                    };
                    forget(&running, id);
                    respond(id, started, outcome);
                });
            }
        }
    }
    // The input has ended.
    std::process::exit(0)
}

/// Cancels an operation by dropping what it waits for.
fn forget(running: &Running, id: u64) {
    running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}

fn respond(id: u64, started: Instant, outcome: Outcome) {
    let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let response = DriverResponse { id, elapsed_us, result: Some(outcome) };
    let mut output = io::stdout().lock();
    if frame::write(&mut output, &response).and_then(|()| output.flush()).is_err() {
        std::process::exit(1);
    }
}
