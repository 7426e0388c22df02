//! The numbers of the names that a case uses: of clients, leases, permits and so on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Numbers by kind and name, from 1 on in each kind.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<HashMap<(&'static str, String), u32>>);

impl Handles {
    /// The number of a name; a new one if it has none.
    pub(super) fn number(&self, kind: &'static str, name: &str) -> u32 {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(numbers.len() + 1).expect("few names");
        *numbers.entry((kind, name.to_owned())).or_insert(next)
    }
}
