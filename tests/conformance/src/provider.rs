//! A provider whose responses follow a script. It counts every request whose head arrives, whatever becomes of it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The most bytes of a request.
const REQUEST_MAX: usize = 1 << 20;

/// What a provider does, as a case writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderScript {
    /// The responses, in the order of arrival.
    pub replies: VecDeque<Reply>,
    /// The response when none is left. By default 200.
    pub otherwise: Reply,
}

/// One response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// How often; 0 means once.
    pub times: u32,
    /// The status; 200 by default.
    pub status: Option<u16>,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// How long it takes.
    pub delay_ms: u64,
    /// When the connection is closed, without a word before.
    pub close: Option<Cut>,
}

/// When a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Once the request was read, instead of a response.
    Instead,
    /// In the middle of the response.
    Within,
    /// After the response.
    After,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When its head was complete.
    pub at: Instant,
    /// Its path.
    pub path: String,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<ProviderScript>,
    arrivals: Mutex<Vec<Arrival>>,
    connections: Mutex<u64>,
}

/// A provider. It stops when it is dropped.
#[derive(Debug)]
pub struct ScriptedProvider {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScriptedProvider {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If no socket is available.
    pub async fn start(script: ProviderScript) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { script: Mutex::new(script), ..Shared::default() });
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            // Dropped with the task, and with it all connections.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *locked(&served.connections) += 1;
                connections.spawn(connection(Arc::clone(&served), stream));
            }
        });
        Ok(Self { shared, address, task: task.abort_handle() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows another script from now on.
    pub fn follow(&self, script: ProviderScript) {
        *locked(&self.shared.script) = script;
    }

    /// What arrived, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        locked(&self.shared.arrivals).clone()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        *locked(&self.shared.connections)
    }
}

async fn connection(shared: Arc<Shared>, mut stream: TcpStream) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    loop {
        let head = head(&mut stream, &mut buffer).await?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        // Arrivals are in order of time.
        {
            let mut arrivals = locked(&shared.arrivals);
            arrivals.push(Arrival { at: Instant::now(), path });
        }
        let reply = next(&mut locked(&shared.script));
        body(&mut stream, &mut buffer, &head).await?;
        if reply.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(reply.delay_ms)).await;
        }
        let bytes = reply.bytes();
        let sent = match reply.close {
            Some(Cut::Instead) => return None,
            Some(Cut::Within) => &bytes[..bytes.len() - reply.body.len().max(1)],
            Some(Cut::After) | None => bytes.as_slice(),
        };
        stream.write_all(sent).await.ok()?;
        if reply.close.is_some() {
            let _ = stream.shutdown().await;
            return None;
        }
    }
}

fn next(script: &mut ProviderScript) -> Reply {
    match script.replies.front_mut() {
        Some(reply) if reply.times > 1 => {
            reply.times -= 1;
            reply.clone()
        }
        Some(_) => script.replies.pop_front().unwrap_or_default(),
        None => script.otherwise.clone(),
    }
}

/// The head of the next request, taken out of the buffer; none at the end of the connection.
async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            return Some(head);
        }
        more(stream, buffer).await?;
    }
}

/// Reads the body of a request, by its length or in chunks, and forgets it.
async fn body(stream: &mut TcpStream, buffer: &mut Vec<u8>, head: &str) -> Option<()> {
    let head = head.to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        while !buffer.ends_with(b"0\r\n\r\n") {
            more(stream, buffer).await?;
        }
        buffer.clear();
        return Some(());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let length: usize = length.unwrap_or(0).min(REQUEST_MAX);
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    buffer.drain(..length);
    Some(())
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = [0; 4096];
    let length = stream.read(&mut bytes).await.ok().filter(|length| *length > 0)?;
    buffer.extend_from_slice(&bytes[..length]);
    (buffer.len() <= REQUEST_MAX).then_some(())
}

impl Reply {
    fn bytes(&self) -> Vec<u8> {
        let status = self.status.unwrap_or(200);
        let mut text = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        (text + "\r\n" + &self.body).into_bytes()
    }
}
