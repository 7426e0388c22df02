//! The operations as calls of the client library, and what is kept under which handle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apportion_client::{Lease, Permit, PermitSource, Prefetch, PrefetchOptions, Priority, Quota, Request};
use apportion_conformance::v1::driver_request::Operation;
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;
use apportion_conformance::v1::observe::What;
use apportion_conformance::v1::{self, Done, permit};

use crate::connect::config;
use crate::failure::{self, unsupported};
use crate::http::{HttpClient, hooks, open, send};
use crate::reading::{by_hand, interpreted, read};

/// What is kept under handles, with the client that each belongs to.
#[derive(Default)]
struct Kept {
    clients: HashMap<u32, Quota>,
    prefetches: HashMap<u32, (u32, Prefetch)>,
    leases: HashMap<u32, (u32, Arc<Lease>)>,
    permits: HashMap<u32, Permit>,
    https: HashMap<u32, HttpClient>,
}

#[derive(Default)]
pub(crate) struct Library(Mutex<Kept>);

type Answered = Result<Outcome, Outcome>;

fn done() -> Answered {
    Ok(Outcome::Done(Done {}))
}

fn unknown(what: &str) -> Outcome {
    failure::of(Kind::Other, format!("no such {what}"))
}

impl Library {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, client: u32) -> Result<Quota, Outcome> {
        self.kept().clients.get(&client).cloned().ok_or_else(|| unknown("client"))
    }

    fn lease(&self, lease: u32) -> Result<Arc<Lease>, Outcome> {
        self.kept().leases.get(&lease).map(|(_, lease)| Arc::clone(lease)).ok_or_else(|| unknown("lease"))
    }

    pub(crate) async fn run(&self, operation: Operation) -> Answered {
        match operation {
            Operation::Hello(_) => Ok(hello()),
            Operation::Connect(connect) => {
                let quota = Quota::connect(config(&connect)?).map_err(|error| failure::config(&error))?;
                self.kept().clients.insert(connect.client, quota);
                done()
            }
            Operation::Acquire(acquire) => {
                let request = request(acquire.ask.as_ref())?;
                let lease = self.client(acquire.client)?.acquire(&request).await;
                let lease = lease.map_err(|error| failure::acquire(&error))?;
                let grant =
                    grant(lease.left(), lease.priority(), lease.valid_for(), Some(lease.is_contended()));
                self.kept().leases.insert(acquire.lease, (acquire.client, Arc::new(lease)));
                Ok(grant)
            }
            Operation::Take(take) => {
                let lease = self.lease(take.lease)?;
                let taken = (0..take.times.max(1)).filter(|_| lease.take()).count();
                Ok(Outcome::Taken(v1::Taken { taken: u32::try_from(taken).unwrap_or(u32::MAX) }))
            }
            Operation::Prefetch(prefetch) => self.prefetch(&prefetch),
            Operation::Permit(permit) => self.permit(permit).await,
            Operation::PutBack(put_back) => {
                let permit = self.kept().permits.remove(&put_back.permit);
                permit.ok_or_else(|| unsupported("only permits are put back"))?.put_back();
                done()
            }
            Operation::Leave(leave) => {
                let mut kept = self.kept();
                let (permit, lease) = (kept.permits.remove(&leave.permit), kept.leases.remove(&leave.lease));
                drop(kept);
                drop((permit, lease));
                done()
            }
            Operation::Inspect(inspect) => self.inspect(inspect),
            Operation::Observe(observe) => self.observe(observe),
            Operation::HttpOpen(opened) => {
                let client = open(&opened, self.source(opened.source.clone().unwrap_or_default())?)?;
                self.kept().https.insert(opened.http, client);
                done()
            }
            Operation::HttpSend(request) => {
                let client = self.kept().https.get(&request.http).cloned();
                send(client.ok_or_else(|| unknown("HTTP client"))?, request).await
            }
            Operation::Close(close) => {
                let quota = self.client(close.client)?;
                self.kept().prefetches.retain(|_, (of, _)| *of != close.client);
                quota.close().await;
                done()
            }
            Operation::Drop(dropped) => {
                self.kept().prefetches.remove(&dropped.prefetch);
                self.kept().https.remove(&dropped.http);
                self.forget(dropped.client);
                self.kept().clients.remove(&dropped.client);
                done()
            }
            Operation::State(_) => Ok(Outcome::State(state())),
            Operation::Sleep(sleep) if sleep.blocks => Err(unsupported("no thread is blocked")),
            Operation::Sleep(sleep) => {
                tokio::time::sleep(Duration::from_millis(sleep.ms)).await;
                done()
            }
            Operation::Reset(_) => {
                let kept = std::mem::take(&mut *self.kept());
                drop((kept.https, kept.permits, kept.prefetches, kept.leases));
                for quota in kept.clients.into_values() {
                    quota.close().await;
                }
                done()
            }
            Operation::Interpret(interpret) => interpreted(interpret),
            Operation::Flush(_) | Operation::Fork(_) | Operation::Cancel(_) => {
                Err(unsupported("not in this client"))
            }
        }
    }

    /// Drops what was made of a client: that returns what is unused.
    fn forget(&self, client: u32) {
        let mut kept = self.kept();
        kept.prefetches.retain(|_, (of, _)| *of != client);
        kept.leases.retain(|_, (of, _)| *of != client);
    }

    fn prefetch(&self, prefetch: &v1::Prefetch) -> Answered {
        let mut options = PrefetchOptions::new();
        if let Some(ms) = prefetch.horizon_ms {
            options = options.horizon(Duration::from_millis(ms));
        }
        if let Some(ms) = prefetch.idle_timeout_ms {
            options = options.idle_timeout(Duration::from_millis(ms));
        }
        if let Some(permits) = prefetch.max_permits {
            options = options.max_permits(permits);
        }
        let made = self.client(prefetch.client)?.prefetch(&request(prefetch.ask.as_ref())?, options);
        self.kept().prefetches.insert(prefetch.prefetch, (prefetch.client, made));
        done()
    }

    fn source(&self, source: v1::Source) -> Result<PermitSource, Outcome> {
        if source.prefetch == 0 {
            return Ok((self.client(source.client)?, request(source.ask.as_ref())?).into());
        }
        let kept = self.kept();
        let (_, prefetch) = kept.prefetches.get(&source.prefetch).ok_or_else(|| unknown("prefetch"))?;
        Ok(prefetch.clone().into())
    }

    async fn permit(&self, permit: v1::Permit) -> Answered {
        if !permit.via.is_empty() {
            return Err(unsupported("there is one way to take a permit"));
        }
        let then = permit.then();
        let source = self.source(permit.source.unwrap_or_default())?;
        let mut last = v1::Grant::default();
        for _ in 0..permit.repeat.max(1) {
            let taken = match &source {
                PermitSource::Prefetched(prefetch) if permit.only_if_ready => match prefetch.try_permit() {
                    Some(permit) => permit,
                    None => break,
                },
                source => source.permit().await.map_err(|error| failure::acquire(&error))?,
            };
            last = v1::Grant {
                permits: 1,
                priority: name(taken.priority()),
                valid_for_ms: Some(ms(taken.valid_for())),
                contended: None,
                count: last.count + 1,
            };
            match then {
                permit::Then::Hold => drop(self.kept().permits.insert(permit.permit, taken)),
                permit::Then::Leave => drop(taken),
                permit::Then::PutBack => taken.put_back(),
            }
        }
        Ok(Outcome::Grant(last))
    }

    fn inspect(&self, inspect: v1::Inspect) -> Answered {
        let seen = if inspect.lease == 0 {
            let kept = self.kept();
            let permit = kept.permits.get(&inspect.permit).ok_or_else(|| unknown("permit"))?;
            v1::Inspection { left: None, valid_for_ms: Some(ms(permit.valid_for())) }
        } else {
            let lease = self.lease(inspect.lease)?;
            v1::Inspection { left: Some(lease.left()), valid_for_ms: Some(ms(lease.valid_for())) }
        };
        Ok(Outcome::Inspection(seen))
    }

    fn observe(&self, observe: v1::Observe) -> Answered {
        let what = observe.what.ok_or_else(|| unsupported("nothing to observe"))?;
        if observe.lease != 0 {
            let lease = self.lease(observe.lease)?;
            match what {
                What::Response(response) => read(&response, |response| lease.observe_response(response))?,
                What::Observation(seen) => lease.observe(by_hand(seen)),
            }
            return done();
        }
        let kept = self.kept();
        let permit = kept.permits.get(&observe.permit).ok_or_else(|| unknown("permit"))?;
        match what {
            What::Response(response) => read(&response, |response| permit.observe_response(response))?,
            What::Observation(seen) => permit.observe(by_hand(seen)),
        }
        done()
    }
}

fn hello() -> Outcome {
    let capabilities = [
        "drop",
        "tls",
        "client-certificate",
        "token-file",
        "addresses",
        "hints",
        "interpret",
        "observation",
        "observation-age",
    ]
    .map(String::from)
    .into();
    Outcome::Hello(v1::HelloResult {
        version: 1,
        language: "rust".into(),
        client_version: env!("CARGO_PKG_VERSION").into(),
        capabilities,
        hooks: hooks(),
        process_id: std::process::id(),
    })
}

fn request(ask: Option<&v1::Ask>) -> Result<Request, Outcome> {
    let ask = ask.cloned().unwrap_or_default();
    let mut request = Request::new();
    if let Some(permits) = ask.permits {
        request = request.permits(permits);
    }
    if let Some(permits) = ask.min_permits {
        request = request.min_permits(permits);
    }
    if let Some(ms) = ask.max_wait_ms {
        request = request.max_wait(Duration::from_millis(ms));
    }
    match ask.priority.as_str() {
        "" => Ok(request),
        name => match Priority::from_str_name(&format!("PRIORITY_{name}")) {
            Some(priority) => Ok(request.priority(priority)),
            None => Err(unsupported("no such priority")),
        },
    }
}

fn grant(permits: u32, priority: Priority, valid_for: Duration, contended: Option<bool>) -> Outcome {
    let valid_for_ms = Some(ms(valid_for));
    Outcome::Grant(v1::Grant { permits, priority: name(priority), valid_for_ms, contended, count: 1 })
}

fn name(priority: Priority) -> String {
    priority.as_str_name().trim_start_matches("PRIORITY_").into()
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn state() -> v1::StateResult {
    let entries =
        |path: &str| std::fs::read_dir(path).ok().and_then(|entries| u32::try_from(entries.count()).ok());
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    v1::StateResult {
        threads: entries("/proc/self/task"),
        tasks: u32::try_from(tasks).ok(),
        open_files: entries("/proc/self/fd"),
        ..v1::StateResult::default()
    }
}
