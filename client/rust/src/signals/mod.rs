//! What the responses of a provider mean: signals, which a client gets from its server, and how they are interpreted.
//!
//! [`Permit::observe_response`](crate::Permit::observe_response) and the layers for HTTP clients interpret every response by the
//! signals of the workspace. The client gets them with its first lease, and again when they change. Until then it uses
//! [`standard`] ones. [`Config::interpreter`](crate::Config::interpreter) replaces them by your own, or by code:
//!
//! ```
//! use apportion_client::Config;
//! use apportion_client::signals::{CountSource, LimitSignal, ResponseMatch, Signals, ThrottleSignal};
//!
//! let remaining = CountSource { header: "X-Calls-Left".into(), ..CountSource::default() };
//! let refusal = ResponseMatch { statuses: vec![429], ..ResponseMatch::default() };
//! let signals = Signals {
//!     limits: vec![LimitSignal { remaining_permits: Some(remaining), ..LimitSignal::default() }],
//!     throttles: vec![ThrottleSignal { response: Some(refusal), ..ThrottleSignal::default() }],
//!     ..Signals::default()
//! };
//! let config = Config::new("http://127.0.0.1:7420").interpreter(signals);
//! # let _ = config;
//! ```
//!
//! Nothing in a response is an error: what cannot be read is absent.

// `text` reads header values and numbers; `time` instants and durations; `list` structured lists; `body` conditions on JSON;
// `interpret` has the steps of the rules; `standard` the signals of most providers.

mod text;
mod time;

mod body;
mod list;

mod interpret;
mod standard;

pub use apportion_proto::v1::body_match::Text as BodyText;
pub use apportion_proto::v1::{
    BodyMatch, CountForm, CountSource, HeaderMatch, LimitSignal, ResponseMatch, Signals, ThrottleEffect,
    ThrottleSignal, TimeForm, TimeSource,
};
pub(crate) use body::BODY_MAX;
pub use interpret::{Interpretation, ProviderResponse, interpret, wants_body};
pub use standard::standard;

use apportion_proto::v1::Observation;

/// Interprets responses: by [`Signals`], or by code of your own.
pub trait Interpret: Send + Sync {
    /// Returns what a response says: one observation for each limit that it speaks of.
    fn observations(&self, response: &ProviderResponse<'_>) -> Vec<Observation>;

    /// Returns whether the body is needed. Then it is read first, where that is possible and it has at most 4096 bytes.
    fn wants_body(&self, _response: &ProviderResponse<'_>) -> bool {
        false
    }
}

impl Interpret for Signals {
    fn observations(&self, response: &ProviderResponse<'_>) -> Vec<Observation> {
        interpret(self, response).observations
    }

    fn wants_body(&self, response: &ProviderResponse<'_>) -> bool {
        wants_body(self, response)
    }
}
