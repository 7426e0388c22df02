//! The operations of a case as messages of the protocol.

use std::collections::BTreeMap;

use super::handles::Handles;
use crate::case::operation::{
    AcquireStep, ClientStep, ConnectStep, FallbackTable, HandleStep, HttpOpenStep, HttpStep,
    ObservationTable, ObserveStep, PermitStep, PrefetchStep, TakeStep,
};
use crate::case::step::Step;
use crate::v1::driver_request::Operation;
use crate::v1::{self, fallback, observe, permit};
use crate::world::World;

/// What messages are made with.
pub(super) struct Writer<'a> {
    pub(super) world: &'a World,
    pub(super) handles: &'a Handles,
    /// The HTTP hook that the case is played for.
    pub(super) hook: Option<&'a str>,
}

impl Writer<'_> {
    /// The operation of a step: its `at`-th of several, or its only one. None if the step is none of the driver.
    pub(super) fn operation(&self, step: &Step, at: Option<u32>) -> Result<Option<Operation>, String> {
        let name = |name: &Option<String>, kind: &'static str| {
            let name = name.as_deref().unwrap_or(kind);
            let name = at.map_or_else(|| name.to_owned(), |at| format!("{name}.{at}"));
            self.handles.number(kind, &name)
        };
        let handle = |handle: &HandleStep| {
            let permit = handle.permit.as_ref().map_or(0, |_| name(&handle.permit, "permit"));
            let lease = if permit == 0 { name(&handle.lease, "lease") } else { 0 };
            (permit, lease)
        };
        if let Some(step) = &step.connect {
            return self.connect(step).map(Some);
        }
        Ok(if let Some(step) = &step.acquire {
            Some(self.acquire(step, name(&step.lease, "lease")))
        } else if let Some(step) = &step.permit {
            Some(self.permit(step, name(&step.permit, "permit"))?)
        } else if let Some(step) = &step.put_back {
            let (permit, lease) = handle(step);
            Some(Operation::PutBack(v1::PutBack { permit, lease }))
        } else if let Some(step) = &step.leave {
            let (permit, lease) = handle(step);
            Some(Operation::Leave(v1::Leave { permit, lease }))
        } else if let Some(step) = &step.inspect {
            let (permit, lease) = handle(step);
            Some(Operation::Inspect(v1::Inspect { permit, lease }))
        } else if let Some(ms) = step.block_ms {
            Some(Operation::Sleep(v1::Sleep { ms, blocks: true }))
        } else if let Some(child) = &step.fork {
            Some(Operation::Fork(v1::Fork { process: self.handles.number("process", child) }))
        } else {
            self.shared_operation(step)
        })
    }

    /// An operation on handles that several of its kind share.
    fn shared_operation(&self, step: &Step) -> Option<Operation> {
        let client = |step: &ClientStep| self.client(step.client.as_ref());
        Some(if let Some(step) = &step.take {
            self.take(step)
        } else if let Some(step) = &step.prefetch {
            self.prefetch(step)
        } else if let Some(step) = &step.observe {
            self.observe(step)
        } else if let Some(step) = &step.http_open {
            self.http_open(step)
        } else if let Some(step) = &step.http {
            self.http(step)
        } else if let Some(step) = &step.flush {
            Operation::Flush(v1::Flush { client: client(step) })
        } else if let Some(step) = &step.close {
            Operation::Close(v1::Close { client: client(step) })
        } else if let Some(step) = &step.drop {
            Operation::Drop(v1::Drop { client: client(step), ..v1::Drop::default() })
        } else if let Some(step) = &step.state {
            Operation::State(v1::State { client: client(step) })
        } else {
            return None;
        })
    }

    fn named(&self, kind: &'static str, name: Option<&String>) -> u32 {
        self.handles.number(kind, name.map_or("main", String::as_str))
    }

    fn client(&self, name: Option<&String>) -> u32 {
        self.named("client", name)
    }

    fn connect(&self, step: &ConnectStep) -> Result<Operation, String> {
        let main = vec!["main".to_owned()];
        let addresses = step.addresses.as_ref().unwrap_or(&main).iter().map(|name| self.world.url(name));
        let addresses = addresses.collect::<Result<_, _>>()?;
        let path = |name: &str| self.world.file(name).display().to_string();
        let tls = step.ca.as_ref().map(|authority| v1::Tls {
            certificate_authority_file: path(&format!("{authority}.pem")),
            certificate_file: if step.certificate { path("client.pem") } else { String::new() },
            key_file: if step.certificate { path("client.key") } else { String::new() },
            server_name: step.server_name.clone(),
        });
        Ok(Operation::Connect(v1::Connect {
            client: self.client(step.client.as_ref()),
            addresses,
            workspace: step.workspace.clone(),
            team: step.team.clone(),
            caller: step.caller.clone(),
            token: step.token.clone(),
            token_file: step.token_file.as_deref().map(path).unwrap_or_default(),
            tls,
            fallback: step.fallback.as_ref().map(fallback).transpose()?,
            connect_timeout_ms: step.connect_timeout_ms,
            close_timeout_ms: step.close_timeout_ms,
            insecure: step.insecure,
            settings: step.settings.clone().into_iter().collect(),
        }))
    }

    fn acquire(&self, step: &AcquireStep, lease: u32) -> Operation {
        let ask = v1::Ask {
            permits: step.permits,
            min_permits: step.min_permits,
            priority: step.priority.clone(),
            max_wait_ms: step.max_wait_ms,
        };
        Operation::Acquire(v1::Acquire { client: self.client(step.client.as_ref()), lease, ask: Some(ask) })
    }

    fn source(
        &self,
        prefetch: Option<&String>,
        client: Option<&String>,
        priority: &str,
        max_wait_ms: Option<u64>,
    ) -> v1::Source {
        match prefetch {
            Some(name) => {
                v1::Source { prefetch: self.handles.number("prefetch", name), ..v1::Source::default() }
            }
            None => {
                let ask = v1::Ask { priority: priority.into(), max_wait_ms, ..v1::Ask::default() };
                v1::Source { prefetch: 0, client: self.client(client), ask: Some(ask) }
            }
        }
    }

    fn permit(&self, step: &PermitStep, permit: u32) -> Result<Operation, String> {
        let then = match step.then.as_str() {
            "" | "hold" => permit::Then::Hold,
            "leave" => permit::Then::Leave,
            "put_back" => permit::Then::PutBack,
            other => return Err(format!("then is {other}: it must be hold, leave or put_back")),
        };
        let source =
            self.source(step.prefetch.as_ref(), step.client.as_ref(), &step.priority, step.max_wait_ms);
        Ok(Operation::Permit(v1::Permit {
            source: Some(source),
            permit,
            only_if_ready: step.only_if_ready,
            then: then.into(),
            repeat: step.repeat,
            via: step.via.clone(),
        }))
    }

    fn take(&self, step: &TakeStep) -> Operation {
        let lease = step.lease.as_deref().unwrap_or("lease");
        let times = step.permits.unwrap_or(1);
        Operation::Take(v1::Take { lease: self.handles.number("lease", lease), times })
    }

    fn prefetch(&self, step: &PrefetchStep) -> Operation {
        let ask =
            v1::Ask { priority: step.priority.clone(), max_wait_ms: step.max_wait_ms, ..v1::Ask::default() };
        Operation::Prefetch(v1::Prefetch {
            client: self.client(step.client.as_ref()),
            prefetch: self.named("prefetch", step.prefetch.as_ref()),
            ask: Some(ask),
            horizon_ms: step.horizon_ms,
            idle_timeout_ms: step.idle_timeout_ms,
            max_permits: step.max_permits,
        })
    }

    fn observe(&self, step: &ObserveStep) -> Operation {
        let number =
            |kind, name: &Option<String>| name.as_ref().map_or(0, |name| self.handles.number(kind, name));
        let permit = number("permit", &step.permit);
        let lease = if permit == 0 { number("lease", &step.lease) } else { 0 };
        let what = match &step.observation {
            Some(table) => observe::What::Observation(observation(table)),
            None => observe::What::Response(v1::Response {
                status: step.status,
                headers: headers(&step.headers),
                body: step.body.clone().map(String::into_bytes),
            }),
        };
        Operation::Observe(v1::Observe { permit, lease, what: Some(what) })
    }

    fn http_open(&self, step: &HttpOpenStep) -> Operation {
        let source = self.source(step.prefetch.as_ref(), step.client.as_ref(), "", step.max_wait_ms);
        Operation::HttpOpen(v1::HttpOpen {
            http: self.named("http", step.http.as_ref()),
            source: Some(source),
            hook: self.hook.unwrap_or_default().into(),
            follow_redirects: step.follow_redirects,
            retries: step.retries,
            timeout_ms: step.timeout_ms,
            http2: step.http2,
        })
    }

    fn http(&self, step: &HttpStep) -> Operation {
        Operation::HttpSend(v1::HttpSend {
            http: self.named("http", step.http.as_ref()),
            method: step.method.clone().unwrap_or_else(|| "GET".into()),
            url: self.world.provider_url(step.path.as_deref().unwrap_or("/")),
            headers: headers(&step.headers),
            body: step.body.clone().map(String::into_bytes),
        })
    }
}

fn headers(table: &BTreeMap<String, String>) -> Vec<v1::Header> {
    table.iter().map(|(name, value)| v1::Header { name: name.clone(), value: value.clone() }).collect()
}

fn fallback(table: &FallbackTable) -> Result<v1::Fallback, String> {
    let fallback = match table {
        FallbackTable::Named(name) if name == "deny" => fallback::Fallback::Deny(v1::Done {}),
        FallbackTable::Named(name) if name == "wait" => fallback::Fallback::Wait(v1::Done {}),
        FallbackTable::Named(name) => return Err(format!("there is no fallback {name}")),
        FallbackTable::Share { permits, window_ms } => {
            fallback::Fallback::Share(v1::Share { permits: *permits, window_ms: *window_ms })
        }
    };
    Ok(v1::Fallback { fallback: Some(fallback) })
}

fn observation(table: &ObservationTable) -> v1::Observation {
    let retry_after =
        table.retry_after_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    v1::Observation {
        limit: table.limit.clone(),
        status: table.status,
        limit_permits: table.limit_permits,
        remaining_permits: table.remaining_permits,
        throttled: table.throttled,
        retry_after_ns: retry_after,
        age_ms: table.age_ms,
        ..v1::Observation::default()
    }
}
