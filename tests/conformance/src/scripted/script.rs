//! What a scripted server does, as a case writes it.

use std::collections::VecDeque;

use serde::Deserialize;

/// How a server behaves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The answers to acquires, in the order of their arrival. A repeat of a request whose lease lives takes none.
    pub acquires: VecDeque<Answer>,
    /// The answer to an acquire when none is left. By default what is asked for is granted at once, for 10 s.
    pub otherwise: Answer,
    /// The answers to calls that settle, in the order of their arrival. None left: all reports are accepted.
    pub settles: VecDeque<Answer>,
    /// The token that every call must carry.
    pub token: Option<String>,
    /// The preset whose signals the workspace has; none by default. Leases have their version.
    pub signals: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// How often this answer is given before the next one; 0 means once.
    pub times: u32,
    /// How long the call waits for it.
    pub delay_ms: u64,
    /// The permits of the lease; what is asked for by default. More than that is cut.
    pub permits: Option<u32>,
    /// How long after the grant the lease is valid; 10 s by default.
    pub valid_for_ms: Option<u64>,
    /// How long the request waited, as the lease says; what it really waited by default.
    pub held_ms: Option<u64>,
    /// Whether others wait.
    pub contended: bool,
    /// The reason of a refusal, such as `WINDOW_EXHAUSTED`; none grants.
    pub refuse: Option<String>,
    /// When to ask again, with a refusal or a status.
    pub retry_after_ms: Option<u64>,
    /// A bare gRPC status without details, such as `UNAVAILABLE`, as from a proxy.
    pub status: Option<String>,
    /// The name of the server that is the owner, with the refusal `NOT_OWNER`.
    pub owner: Option<String>,
    /// What goes wrong below gRPC.
    pub fault: Option<Fault>,
}

/// What goes wrong below gRPC. The message was received, and except for `Refused` what it asks was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The stream is reset instead of an answer.
    Reset,
    /// The stream is reset with REFUSED_STREAM, and nothing was done: it may be sent again.
    Refused,
    /// The connection is closed instead of an answer.
    Close,
    /// No answer comes.
    Silence,
    /// The connection says GOAWAY and is closed once its calls are answered.
    Goaway,
    /// The answer is not a message.
    Garbage,
    /// The answer is a message without a lease.
    Empty,
}

/// Takes the next answer of a queue.
pub(super) fn next(queue: &mut VecDeque<Answer>) -> Option<Answer> {
    let front = queue.front_mut()?;
    if front.times > 1 {
        front.times -= 1;
        return Some(front.clone());
    }
    queue.pop_front()
}
