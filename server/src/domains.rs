//! The domains of Envoy that are in force on this node, by id. Knows no store and no call.

use crate::convert::domain::DomainPolicy;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The domains in force.
#[derive(Debug, Default)]
pub(crate) struct Domains(RwLock<HashMap<String, Arc<DomainPolicy>>>);

impl Domains {
    /// The domain with this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<DomainPolicy>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Puts these in force and no others.
    pub(crate) fn replace(&self, all: impl IntoIterator<Item = (String, DomainPolicy)>) {
        let all = all.into_iter().map(|(id, policy)| (id, Arc::new(policy))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}
