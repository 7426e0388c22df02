//! The connections to the nodes.

use super::address::Address;
use super::endpoint::Endpoints;
use super::greeting::GreetedConnector;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use std::collections::HashMap;
use tonic::Status;
use tonic::transport::Channel;

/// Two connections to one node: a report never queues behind acquires that wait.
#[derive(Clone, Debug)]
pub(super) struct NodeClient {
    pub(super) acquires: QuotaServiceClient<Channel>,
    pub(super) reports: QuotaServiceClient<Channel>,
}

/// The connections that are in use, by address.
#[derive(Debug)]
pub(super) struct Nodes {
    endpoints: Endpoints,
    clients: HashMap<Address, NodeClient>,
}

impl Nodes {
    pub(super) fn new(endpoints: Endpoints) -> Self {
        Self { endpoints, clients: HashMap::new() }
    }

    /// The connections to a node. They connect at their first call, and again when they break.
    ///
    /// # Errors
    /// A status if the address, which a node named, cannot be used.
    pub(super) fn client(&mut self, address: &Address) -> Result<NodeClient, Status> {
        if let Some(client) = self.clients.get(address) {
            return Ok(client.clone());
        }
        let endpoint =
            self.endpoints.endpoint(address).map_err(|error| Status::unavailable(error.to_string()))?;
        let connect =
            || QuotaServiceClient::new(endpoint.connect_with_connector_lazy(GreetedConnector::new()));
        let client = NodeClient { acquires: connect(), reports: connect() };
        self.clients.insert(address.clone(), client.clone());
        Ok(client)
    }

    /// Closes the connections to a node once its calls have ended. The next call connects again.
    pub(super) fn disconnect(&mut self, address: &Address) {
        self.clients.remove(address);
    }

    /// The same for all nodes.
    pub(super) fn disconnect_all(&mut self) {
        self.clients.clear();
    }
}
