//! The port for other nodes of a cluster: its certificate, its services, and its listener.

use super::connection::ConnectionContext;
use super::error::ServeError;
use super::listen::Listener;
use super::services::Services;
use super::tls::Certificates;
use crate::config::{Clients, ServerLimits, Settings, Tls};
use crate::engine::Engine;
use crate::leases::{Cluster, ClusterNode, LeaseRouter, PolicySource};
use crate::peer::PeerTls;
use crate::service::admin::{Admin, Policies};
use crate::service::gate::Gate;
use crate::service::passed::{PeerCalls, accept};
use apportion_proto::peer_v1::peer_service_server::PeerServiceServer;
use apportion_proto::v1::admin_service_server::AdminServiceServer;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;

/// Most bytes of a message of another node: calls and answers hold what clients may send.
const MESSAGE_BYTES: usize = 4 << 20;

/// The leases of a node, which is one of a cluster where `node` says so.
///
/// # Errors
/// [`ServeError`] where the node cannot take part.
pub(super) fn leases(
    engine: &Arc<Engine>,
    node: Option<ClusterNode>,
    policies: &Arc<Policies>,
    settings: &Settings,
    halt: &CancellationToken,
) -> Result<LeaseRouter, ServeError> {
    let engine = Arc::clone(engine);
    let Some(node) = node else { return Ok(LeaseRouter::alone(engine)) };
    let policies = Arc::clone(policies) as Arc<dyn PolicySource>;
    let cluster = Cluster::start(node, policies, settings.peer_tls.clone(), halt.clone());
    let cluster = cluster.map_err(|error| ServeError::Process(std::io::Error::other(error.to_string())))?;
    Ok(LeaseRouter::shared(engine, cluster))
}

/// What the port for other nodes needs.
pub(super) struct PeerPort {
    pub(super) listener: TcpListener,
    pub(super) leases: LeaseRouter,
    pub(super) admin: Admin,
    pub(super) gate: Arc<Gate>,
    pub(super) limits: ServerLimits,
    pub(super) tls: Option<PeerTls>,
    pub(super) halt: CancellationToken,
}

impl PeerPort {
    /// The listener, which serves nothing where this node is none of a cluster.
    ///
    /// # Errors
    /// [`ServeError`] where the certificate cannot be used.
    pub(super) fn listener(self) -> Result<Option<Listener>, ServeError> {
        let Self { listener, leases, admin, gate, limits, tls, halt } = self;
        let Some(cluster) = leases.cluster().cloned() else { return Ok(None) };
        let certificates = tls.map(|PeerTls { cert, key, ca }| {
            // Nobody has a role by such a certificate: it lets a node in, which says who calls.
            let clients = Clients { ca, optional: false, bindings: Vec::new() };
            Certificates::read(Tls { cert, key, clients: Some(clients) })
        });
        let certificates = certificates.transpose()?;
        let calls = PeerServiceServer::new(PeerCalls::new(leases, cluster));
        let admin = AdminServiceServer::new(admin).max_decoding_message_size(MESSAGE_BYTES);
        let router = Routes::new(calls.max_decoding_message_size(MESSAGE_BYTES))
            .add_service(InterceptedService::new(admin, accept))
            .prepare();
        let services = Services { quota: None, router };
        let context = ConnectionContext { services, limits, certificates, gate, halt };
        Ok(Some(Listener::new(listener, context)))
    }
}
