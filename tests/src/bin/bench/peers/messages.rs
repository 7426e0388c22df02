//! The calls to each server, and their expected answers. The messages of peers have only the fields of their public protocols that
//! are used here.

use crate::service::acquire;
use apportion_envoy::ratelimit::rate_limit_descriptor::Entry;
use apportion_envoy::ratelimit::rate_limit_response::Code;
use apportion_envoy::ratelimit::{RateLimitDescriptor, RateLimitRequest, RateLimitResponse};
use apportion_proto::v1;
use prost::Message;
use tonic::codegen::Bytes;

/// More than any run uses up.
const PLENTY: i32 = 1_000_000_000;

/// Calls of one method, each prepared.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// The path of the method.
    pub(super) path: &'static str,
    /// The framed messages, sent in turn.
    pub(super) messages: Vec<Bytes>,
    /// Whether an answer lets the request pass.
    pub(super) passes: fn(&[u8]) -> bool,
}

impl Calls {
    fn new<M: Message>(
        path: &'static str,
        passes: fn(&[u8]) -> bool,
        messages: impl Iterator<Item = M>,
    ) -> Self {
        Self { path, messages: messages.map(|message| framed(&message)).collect(), passes }
    }

    /// A permit from each of so many workspaces.
    pub(super) fn apportion(workspaces: usize) -> Self {
        let requests = (0..workspaces).map(|n| acquire(&workspace(n), "bench"));
        let passes = |answer: &[u8]| {
            v1::AcquireLeaseResponse::decode(answer).is_ok_and(|answer| answer.lease.is_some())
        };
        Self::new("/apportion.v1.QuotaService/AcquireLease", passes, requests)
    }

    /// A permit through each of so many domains, asked for as Envoy does.
    pub(super) fn rls(domains: usize) -> Self {
        let entry = Entry { key: "team".into(), value: "default".into() };
        let descriptor = RateLimitDescriptor { entries: vec![entry], ..RateLimitDescriptor::default() };
        let request = |n| RateLimitRequest {
            domain: workspace(n),
            descriptors: vec![descriptor.clone()],
            hits_addend: 0,
        };
        let passes = |answer: &[u8]| {
            RateLimitResponse::decode(answer).is_ok_and(|answer| answer.overall_code() == Code::Ok)
        };
        let requests = (0..domains).map(request);
        Self::new("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", passes, requests)
    }

    /// A token from each of so many buckets of throttlecrab.
    pub(super) fn throttlecrab(keys: usize) -> Self {
        let request = |n| ThrottleRequest {
            key: workspace(n),
            max_burst: PLENTY,
            count_per_period: PLENTY,
            period: 3_600,
            quantity: 1,
        };
        let passes = |answer: &[u8]| ThrottleResponse::decode(answer).is_ok_and(|answer| answer.allowed);
        Self::new("/throttlecrab.RateLimiter/Throttle", passes, (0..keys).map(request))
    }

    /// A hit on each of so many limits of gubernator.
    pub(super) fn gubernator(keys: usize) -> Self {
        let request = |n| GetRateLimitsReq {
            requests: vec![RateLimitReq {
                name: "all".into(),
                unique_key: workspace(n),
                hits: 1,
                limit: PLENTY.into(),
                duration: 3_600_000,
            }],
        };
        let passes = |answer: &[u8]| {
            GetRateLimitsResp::decode(answer).is_ok_and(|answer| {
                answer.responses.len() == 1 && answer.responses.iter().all(RateLimitResp::is_under)
            })
        };
        Self::new("/pb.gubernator.V1/GetRateLimits", passes, (0..keys).map(request))
    }
}

/// The name of a workspace, and of a key.
pub(super) fn workspace(n: usize) -> String {
    format!("bench-{n}")
}

/// A message with its gRPC length prefix, not compressed.
fn framed(message: &impl Message) -> Bytes {
    let content = message.encode_to_vec();
    let length = u32::try_from(content.len()).expect("a short message");
    [&[0][..], &length.to_be_bytes(), &content].concat().into()
}

#[derive(Clone, PartialEq, Message)]
struct ThrottleRequest {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(int32, tag = "2")]
    max_burst: i32,
    #[prost(int32, tag = "3")]
    count_per_period: i32,
    #[prost(int32, tag = "4")]
    period: i32,
    #[prost(int32, tag = "5")]
    quantity: i32,
}

#[derive(Clone, PartialEq, Message)]
struct ThrottleResponse {
    #[prost(bool, tag = "1")]
    allowed: bool,
}

#[derive(Clone, PartialEq, Message)]
struct GetRateLimitsReq {
    #[prost(message, repeated, tag = "1")]
    requests: Vec<RateLimitReq>,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitReq {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    unique_key: String,
    #[prost(int64, tag = "3")]
    hits: i64,
    #[prost(int64, tag = "4")]
    limit: i64,
    #[prost(int64, tag = "5")]
    duration: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GetRateLimitsResp {
    #[prost(message, repeated, tag = "1")]
    responses: Vec<RateLimitResp>,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitResp {
    /// 0: under the limit.
    #[prost(int32, tag = "1")]
    status: i32,
    #[prost(string, tag = "5")]
    error: String,
}

impl RateLimitResp {
    fn is_under(&self) -> bool {
        self.status == 0 && self.error.is_empty()
    }
}
