//! Dispatches calls to services: the quota service directly, since it has nearly all of them, the others through a router.

use crate::service::quota::QuotaCalls;
use apportion_proto::v1::quota_service_server::QuotaServiceServer;
use hyper::body::Body;
use hyper::{Request, Response};
use std::convert::Infallible;
use tonic::Status;
use tonic::codegen::{BoxFuture, Bytes, Service};
use tonic::server::NamedService;
use tonic::service::Routes;

/// The response to a call.
pub(super) type ResponseFuture = BoxFuture<Response<tonic::body::Body>, Infallible>;

/// All services of a server.
#[derive(Clone, Debug)]
pub(super) struct Services {
    /// None on the port for other nodes.
    pub(super) quota: Option<QuotaServiceServer<QuotaCalls>>,
    pub(super) router: Routes,
}

impl Services {
    /// Answers one call.
    pub(super) fn call<B>(&self, request: Request<B>) -> ResponseFuture
    where
        B: Body<Data = Bytes, Error = Status> + Send + 'static,
    {
        match &self.quota {
            Some(quota) if is_of::<QuotaServiceServer<QuotaCalls>>(request.uri().path()) => {
                quota.clone().call(request)
            }
            _ => Box::pin(self.router.clone().call(request)),
        }
    }
}

/// Whether a path names a method of that service.
fn is_of<S: NamedService>(path: &str) -> bool {
    let method = path.strip_prefix('/').and_then(|path| path.strip_prefix(S::NAME));
    method.is_some_and(|method| method.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_service_that_it_names_in_full() {
        let is_quota = is_of::<QuotaServiceServer<QuotaCalls>>;
        assert!(is_quota("/apportion.v1.QuotaService/AcquireLease"));
        assert!(is_quota("/apportion.v1.QuotaService/"));
        for other in [
            "/apportion.v1.QuotaServices/x",
            "/apportion.v1.QuotaService",
            "apportion.v1.QuotaService/x",
            "/",
        ] {
            assert!(!is_quota(other), "{other}");
        }
    }
}
